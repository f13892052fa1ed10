import { type Document, Long } from 'mongodb';
import { shownBytes } from '../../contract/index.ts';
import { hasRandomIds } from '../catalog/id-order.ts';
import { idIndexBytes } from '../catalog/read-catalog.ts';
import type { Migrated } from '../collections/context.ts';
import { pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readCacheBytes } from '../mongodb/cache-size.ts';
import { electionOf } from '../mongodb/election.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Clusters, Pace } from '../records/context.ts';
import type { NaturalPosition, ReadOrder } from '../records/records.ts';

/** The sizes in bytes on which the order of a copy's reads depends; undefined for those that the user may not read. */
export interface OrderSizes {
  readonly documents: number;
  /** The index on `_id`, as it is stored. */
  readonly idIndex: number;
  /** The indexes on `_id` of all other collections that are read in natural order at the moment. */
  readonly otherIdIndexes: number;
  readonly sourceCache: number | undefined;
  readonly destinationCache: number | undefined;
}

/**
 * Share of the destination's cache that the index on `_id` may take. With 2 % the order of inserts didn't matter, with
 * 20 % random inserts took three times as long (docs/plan/performance.md). The limit between them is a guess.
 */
const INDEX_SHARE = 0.1;

/** Smaller than any cache. A migration may have thousands of such collections, and their order doesn't matter. */
export const SMALL_BYTES = 16_000_000;

/**
 * Returns the order in which documents with random `_id`s are read. In the order of `_id`, a source that can't keep its
 * documents in memory reads its disk at random. In natural order, the destination changes its index on `_id` at random.
 */
export function orderOf({ documents, idIndex, otherIdIndexes, sourceCache, destinationCache }: OrderSizes): ReadOrder {
  const inOrder = (reason: string): ReadOrder => ({ order: 'ID', reason });
  if (sourceCache === undefined) return inOrder('the size of the cache of the source is unknown');
  const ofSource = `the cache of the source, which has ${shownBytes(sourceCache)}`;
  if (documents <= sourceCache) return inOrder(`its documents fit into ${ofSource}`);
  if (destinationCache === undefined) return inOrder('the size of the cache of the destination is unknown');
  const others = otherIdIndexes === 0 ? '' : `, those of others under way have ${shownBytes(otherIdIndexes)}`;
  const index = `its index on _id has ${shownBytes(idIndex)}${others}`;
  const caches = `${index}, and the cache of the destination has ${shownBytes(destinationCache)}`;
  if (idIndex + otherIdIndexes >= destinationCache * INDEX_SHARE) return inOrder(caches);
  return { order: 'NATURAL', reason: `its _ids are random, its documents do not fit into ${ofSource}; ${caches}` };
}

/** The order of a copy, with where a scan in natural order begins and ends. */
interface ChosenOrder extends ReadOrder {
  readonly natural?: NaturalPosition;
}

/** Chooses the order in which a copy reads a collection. */
export async function chooseReadOrder(
  context: Clusters & Pace & Migrated,
  collection: TrackedCollection,
): Promise<ChosenOrder> {
  collection.scannedIdIndex = 0;
  if (collection.isCapped) return { order: 'NATURAL', reason: 'it is capped' };
  // These are read in natural order anyway, or their keys can't be looked up by their bytes.
  if (collection.isClustered) return { order: 'ID', reason: 'it is clustered' };
  if (collection.hasCollation) return { order: 'ID', reason: 'it has a collation' };
  // A query that isn't empty would read on for long between two documents, and some servers refuse it (`notablescan`).
  // rule: partial-copy-by-id
  if (collection.filter !== null) return { order: 'ID', reason: 'only some of its documents are selected' };
  if (collection.bytes < SMALL_BYTES) return { order: 'ID', reason: 'it is small' };
  const { retrier, source, destination } = context;
  // A router has no elections, and equal `_id`s of two shards are neighbours in the order of `_id` only.
  if (isSharded(source)) return { order: 'ID', reason: 'the source is sharded' };
  const sourceCache = await retrier.run('the source', () => readCacheBytes(source));
  const sizes = { documents: collection.bytes, sourceCache };
  if (sourceCache === undefined || collection.bytes <= sourceCache)
    return orderOf({ ...sizes, idIndex: 0, otherIdIndexes: 0, destinationCache: undefined });
  const { sourceDatabase: database, sourceName: name } = collection;
  const read = { ...pinTo(context, collection), readConcern: readConcernOf(collection) };
  if (!(await hasRandomIds(source, database, name, read)))
    return { order: 'ID', reason: 'its documents lie in this order' };
  const destinationCache = await retrier.run('the destination', () => readCacheBytes(destination));
  const idIndex = await idIndexBytes(source, { database, name });
  // No `await` between these lines: of two collections that are planned at once, the second must see the first.
  const scanned = [...context.tracked.values()].filter(({ isCopied }) => !isCopied);
  const otherIdIndexes = scanned.reduce((sum, one) => sum + one.scannedIdIndex, 0);
  const chosen = orderOf({ ...sizes, idIndex, otherIdIndexes, destinationCache });
  if (chosen.order === 'ID') return chosen;
  // rule: scans-change-index-order
  collection.scannedIdIndex = idIndex;
  const natural = await beginScan(context, collection, name);
  return natural === undefined ? { order: 'ID', reason: 'it is empty' } : { ...chosen, natural };
}

/**
 * Returns the position at the beginning of a collection. The scan ends at the record that is the newest one now, so that
 * it doesn't chase a growing collection.
 * @returns undefined for an empty collection
 */
export async function beginScan(
  context: Clusters,
  collection: TrackedCollection,
  name: string,
): Promise<NaturalPosition | undefined> {
  const { source } = context;
  const election = await electionOf(source);
  const { cursor } = await source.db(collection.sourceDatabase).command(
    {
      find: name,
      hint: { $natural: -1 },
      limit: 1,
      projection: { _id: 1 },
      showRecordId: true,
      ...pinTo(context, collection),
      readConcern: readConcernOf(collection),
    },
    { promoteLongs: false },
  );
  const [newest] = cursor.firstBatch;
  if (newest === undefined) return undefined;
  if (!(newest.$recordId instanceof Long)) throw new Error(`${collection.namespace} has a record id that is no number`);
  return { election, after: null, end: newest.$recordId.toString(), documents: 0, bytes: 0 };
}

function readConcernOf({ readAfter }: TrackedCollection): Document {
  return { level: 'majority', afterClusterTime: readAfter };
}
