import type { MongoClient } from 'mongodb';
import type { StreamPosition } from '../apply/stream-position.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { type MovedParts, onDestination, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { batchSize, rangeFilter } from '../copy/copy-partition.ts';
import type { Fence } from '../mongodb/fence.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import { blameFilter } from '../scope/document-filters.ts';

/** The parts of a run that comparing needs. */
export interface CompareChunkParts extends MovedParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly position: StreamPosition;
}

/** The result of one comparison. */
export interface ComparedChunk {
  /** Documents of the source. */
  readonly documents: number;
  readonly bytes: number;
  readonly differing: number;
  /** The position of the next chunk; undefined after the last one. */
  readonly last: DocumentKey | undefined;
}

/**
 * Compares the next documents of a collection, byte by byte, with the destination's documents in the same range of
 * `_id`. Holds one batch of each side at a time, however many documents only one side has.
 * @param after   the key to begin after; undefined for the first chunk
 * @param differ  receives keys whose documents differ or exist on one side only; some of them twice when a read is
 * retried
 * @throws CollectionDropped, CollectionMissing when the source doesn't have the collection
 */
export async function compareChunk(
  context: CompareChunkParts,
  collection: TrackedCollection,
  after: DocumentKey | undefined,
  differ: (keys: readonly DocumentKey[]) => Promise<void>,
): Promise<ComparedChunk> {
  const wanted = await readSource(context, collection, after);
  const documents = new Map(wanted.map((document) => [keyOf(document).identity, document]));
  const last = wanted.at(-1);
  const high = last === undefined ? undefined : keyOf(last);
  const differing = await onDestination(context, collection, async (target) => {
    const missing = new Map(documents);
    let count = 0;
    const note = async (keys: readonly DocumentKey[]) => {
      count += keys.length;
      if (keys.length > 0) await differ(keys);
    };
    for await (const batch of readDestination(context, collection, target, { after, high })) {
      const keyed = batch.map((document) => ({ key: keyOf(document), document }));
      await note(
        keyed.filter(({ key, document }) => !documents.get(key.identity)?.equals(document)).map(({ key }) => key),
      );
      for (const { key } of keyed) missing.delete(key.identity);
    }
    await note([...missing.values()].map(keyOf));
    return count;
  });
  const bytes = wanted.reduce((sum, document) => sum + document.length, 0);
  return { documents: wanted.length, bytes, differing, last: high };
}

/** Returns a batch of the source's current documents, in the order of `_id`. */
async function readSource(
  context: CompareChunkParts,
  collection: TrackedCollection,
  after: DocumentKey | undefined,
): Promise<readonly Buffer[]> {
  try {
    return await onSource(context, collection, async (name) => {
      const [cursor, { documents }] = await RawCursor.open(context.source, collection.sourceDatabase, {
        find: name,
        filter: collection.selected(rangeFilter(after, undefined)),
        sort: { _id: 1 },
        ...hint(collection),
        batchSize: batchSize(collection),
        singleBatch: true,
        ...pinTo(context, collection),
        readConcern: { level: 'majority', afterClusterTime: context.position.time },
      });
      await cursor[Symbol.asyncDispose]();
      return documents;
    });
  } catch (error) {
    throw blameFilter(collection, error);
  }
}

async function* readDestination(
  context: CompareChunkParts,
  collection: TrackedCollection,
  { database, name, uuid }: WriteTarget,
  range: {
    readonly after: DocumentKey | undefined;
    readonly high: DocumentKey | undefined;
  },
): AsyncGenerator<readonly Buffer[]> {
  const [cursor, first] = await RawCursor.open(context.destination, database, {
    find: name,
    filter: rangeFilter(range.after, range.high),
    ...hint(collection),
    batchSize: batchSize(collection),
    collectionUUID: uuid,
    // The read sees all writes of the lanes, whichever member answers.
    readConcern: context.fence.afterOwnWrites,
  });
  await using _ = cursor;
  yield first.documents;
  while (cursor.open) yield (await cursor.next({ batchSize: batchSize(collection) })).documents;
}

function hint(collection: TrackedCollection): { readonly hint?: object } {
  return collection.isClustered ? {} : { hint: { _id: 1 } };
}
