import type { Timestamp } from 'mongodb';
import type { DocumentBatch } from '../bson/document-batch.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import type { RawBatch } from '../mongodb/raw-cursor.ts';
import type { DocumentReader } from './document-reader.ts';
import type { KeyRange } from './key-range.ts';

/** A key whose documents differ. One of them is undefined when only the other side has the key. */
export interface DifferingPair {
  readonly key: DocumentKey;
  readonly source?: Buffer | undefined;
  readonly destination?: Buffer | undefined;
}

/** Which documents to compare, and the callbacks that receive the results. */
export interface CompareChunkOptions {
  /** The key to begin after; undefined for the first chunk. */
  readonly after: DocumentKey | undefined;
  /** The last key to compare; undefined for no bound. */
  readonly high?: DocumentKey | undefined;
  /** The most documents of a read. */
  readonly limit: number;
  /** Receives every pair that differs, in parts. Its buffers are views into a server's reply. */
  readonly differ: (pairs: readonly DifferingPair[]) => Promise<void>;
  /** Receives every compared document once, in parts: `both` when the sides have the same documents. */
  readonly seen?: (documents: DocumentBatch, side: 'source' | 'destination' | 'both') => void;
}

/** The result of one comparison. */
export interface ComparedChunk {
  /** Documents of the source, and their bytes. */
  readonly documents: number;
  readonly bytes: number;
  readonly differing: number;
  /** The position of the next chunk; undefined after the last one. */
  readonly last: DocumentKey | undefined;
  /** The latest operation of each side when it answered last. A server that has just started may omit it. */
  readonly sourceTime: Timestamp | undefined;
  readonly destinationTime: Timestamp | undefined;
}

/**
 * Compares the source's next documents, byte by byte, with the destination's documents in the same range of `_id`. After
 * the source's last document it compares everything that the destination has behind it.
 *
 * Both sides are read at the same time, so documents that change meanwhile may look different: the caller has to read
 * them again. Holds one batch of each side at a time, however many documents only one side has.
 */
export async function compareChunk(
  source: DocumentReader,
  destination: DocumentReader,
  { after, high, limit, differ, seen = () => undefined }: CompareChunkOptions,
): Promise<ComparedChunk> {
  const range = { after, high };
  const [wanted, first] = await Promise.all([source.read(range, limit), destination.read(range, limit)]);
  const { documents } = wanted;
  const lastDocument = documents.at(-1);
  const last = lastDocument === undefined ? undefined : keyOf(lastDocument);
  const result = {
    documents: documents.length,
    bytes: documents.bytes.length,
    last,
    sourceTime: wanted.operationTime,
  };
  // Needs no key, so equal chunks cost little.
  if (documents.equals(first.documents)) {
    seen(documents, 'both');
    return { ...result, differing: 0, destinationTime: first.operationTime };
  }
  seen(documents, 'source');
  const missing = new Map(Array.from(documents, (document) => [keyOf(document).identity, document]));
  let differing = 0;
  let destinationTime: Timestamp | undefined;
  const note = async (pairs: readonly DifferingPair[]) => {
    differing += pairs.length;
    if (pairs.length > 0) await differ(pairs);
  };
  for await (const batch of batchesOf(destination, { after, high: last ?? high }, limit, first, last === undefined)) {
    destinationTime = batch.operationTime;
    seen(batch.documents, 'destination');
    const pairs: DifferingPair[] = [];
    for (const document of batch.documents) {
      const key = keyOf(document);
      const counterpart = missing.get(key.identity);
      missing.delete(key.identity);
      // rule: repair-destination-only
      if (!counterpart?.equals(document)) pairs.push({ key, source: counterpart, destination: document });
    }
    await note(pairs);
  }
  // rule: repair-source-only
  await note([...missing.values()].map((document) => ({ key: keyOf(document), source: document })));
  return { ...result, differing, destinationTime };
}

/**
 * Yields the documents of a range.
 * @param first  the documents after the same key, up to a later bound or the same one
 * @param isSameRange  whether it is the same one
 */
async function* batchesOf(
  reader: DocumentReader,
  range: KeyRange,
  limit: number,
  first: RawBatch,
  isSameRange: boolean,
): AsyncGenerator<RawBatch> {
  const { high } = range;
  // Only the server knows the order of keys: without the range's last key in the reply, its end is unknown.
  const end = isSameRange
    ? undefined
    : high && [...first.documents].findIndex((document) => keyOf(document).identity === high.identity);
  if (end !== undefined && end >= 0) {
    yield { ...first, documents: first.documents.slice(0, end + 1) };
    return;
  }
  let batch = isSameRange ? first : await reader.read(range, limit);
  while (true) {
    yield batch;
    const lastDocument = batch.documents.at(-1);
    if (lastDocument === undefined) return;
    batch = await reader.read({ after: keyOf(lastDocument), high }, limit);
  }
}
