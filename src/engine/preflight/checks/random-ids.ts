import type { MongoClient } from 'mongodb';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { isUnauthorized } from '../../mongodb/unauthorized.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { collectionStatistics } from '../sizes.ts';
import { sweep } from '../within.ts';

/** Documents that are read of each large collection. */
const SAMPLE = 200;
/** Share of neighbours on disk that are in order: 0.5 with random ids, 1 where each insert has a greater one. */
const LEAST_IN_ORDER = 0.75;
const MIB = 1024 * 1024;

/**
 * Finds collections whose copy reads the source's disk at random: those that don't fit into its cache, and whose `_id`s are random. The copy
 * reads a collection in the order of its `_id`s (docs/reference/pitfalls.md#pitfall-32).
 */
export async function checkRandomIds({ source, entries, signal }: Look): Promise<Found[]> {
  const cacheBytes = await readCacheBytes(source);
  if (cacheBytes === undefined) return [];
  const stored = (await entries()).filter(({ type }) => type === 'collection');
  const databases = [...Map.groupBy(stored, ({ database }) => database)];
  const large = await sweep(databases, signal, async ([database, collections]) => {
    const { dataSize } = await source.db(database).command({ dbStats: 1 });
    return Number(dataSize) > cacheBytes ? collections : [];
  });
  const { results, left } = await sweep(large.results.flat(), signal, async (entry) => {
    const { dataSize = 0 } = await collectionStatistics(source, entry);
    if (Number(dataSize) <= cacheBytes || !(await hasRandomIds(source, entry))) return [];
    const namespace = `${entry.database}.${entry.name}`;
    const sizes = [Number(dataSize), cacheBytes].map((bytes) => Math.round(bytes / MIB).toLocaleString('en'));
    return [found('RANDOM_IDS', [namespace, ...sizes], namespace)];
  });
  return [...results.flat(), ...unseen(left, 'collections'), ...unseen(large.left, 'databases')];
}

/** Returns the size of the primary's cache; undefined when the user may not ask. */
async function readCacheBytes(client: MongoClient): Promise<number | undefined> {
  try {
    const { wiredTiger } = await client.db('admin').command({ serverStatus: 1 });
    return Number(wiredTiger?.cache?.['maximum bytes configured'] ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    return undefined;
  }
}

/** Lets the server compare neighbours, which knows the order of all types. */
async function hasRandomIds(client: MongoClient, { database, name }: CatalogEntry): Promise<boolean> {
  const pair = (n: number) => ({ $arrayElemAt: ['$ids', { $add: ['$$this', n] }] });
  const pairs = { $range: [0, { $subtract: [{ $size: '$ids' }, 1] }] };
  const pipeline = [
    { $limit: SAMPLE },
    { $group: { _id: null, ids: { $push: '$_id' } } },
    {
      $project: {
        pairs: { $size: pairs },
        inOrder: { $size: { $filter: { input: pairs, as: 'this', cond: { $lt: [pair(0), pair(1)] } } } },
      },
    },
  ];
  const options = { hint: { $natural: 1 } };
  const [result] = await client.db(database).collection(name).aggregate(pipeline, options).toArray();
  return result !== undefined && result.pairs > 0 && result.inOrder / result.pairs < LEAST_IN_ORDER;
}

function unseen(left: number, what: string): Found[] {
  return left === 0 ? [] : [found('CHECK_INCOMPLETE', [`the order of documents of ${left} ${what}`, NO_TIME])];
}
