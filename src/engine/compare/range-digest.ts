import { createHash } from 'node:crypto';
import { type MongoClient, Timestamp, UUID } from 'mongodb';
import type { DocumentBatch } from '../bson/document-batch.ts';
import { keyFromBytes, keyOf } from '../bson/document-key.ts';
import type { RangeDigest, RangeQuestion } from '../scope/digest-helper.ts';
import { readRange } from './document-reader.ts';

/** The most documents of one read. */
const READ_DOCUMENTS = 20_000;

/** Returns the digest of documents, of which each begins with its own length. */
export function digestOf(documents: DocumentBatch): RangeDigest {
  const digest = new RangeHash();
  digest.add(documents);
  return digest.value;
}

/**
 * Returns the digest of a range as a majority has it, in the order of `_id`. Reads at most one document more than the
 * source has there.
 */
export async function digestRange(
  client: MongoClient,
  question: RangeQuestion,
  signal: AbortSignal,
): Promise<RangeDigest> {
  const { database, collection: name, isClustered, documents, readAfter } = question;
  const readConcern = { level: 'majority', afterClusterTime: new Timestamp(readAfter) };
  const from = { database, name, uuid: UUID.createFromHexString(question.uuid), isClustered, readConcern };
  const high = keyOfText(question.high);
  const digest = new RangeHash();
  let after = question.after === undefined ? undefined : keyOfText(question.after);
  while (digest.documents <= documents && after?.identity !== high.identity) {
    signal.throwIfAborted();
    const limit = Math.min(READ_DOCUMENTS, documents + 1 - digest.documents);
    const batch = await readRange(client, from, { after, high }, limit);
    const last = batch.documents.at(-1);
    if (last === undefined) break;
    digest.add(batch.documents);
    after = keyOf(last);
  }
  return digest.value;
}

class RangeHash {
  readonly #hash = createHash('sha256');
  documents = 0;

  add({ length, bytes }: DocumentBatch): void {
    this.#hash.update(bytes);
    this.documents += length;
  }

  /** To be read once. */
  get value(): RangeDigest {
    return { documents: this.documents, digest: this.#hash.digest('hex') };
  }
}

function keyOfText(text: string) {
  return keyFromBytes(Buffer.from(text, 'base64'));
}
