import type { MongoClient } from 'mongodb';
import { type ReplicaSetPair, startPair } from '../test/support/replica-set.ts';

/** The database of all measurements. */
export const DATABASE = 'bench';

/** The servers' caches in gigabytes. */
export interface Caches {
  readonly source: number;
  readonly destination: number;
}

/** Starts two replica sets, whose caches can hold the data by default. */
export async function startServers(caches: Caches = { source: 1, destination: 1 }): Promise<ReplicaSetPair> {
  const withCache = (cacheGigabytes: number) => ({ cacheGigabytes, oplogSizeMegabytes: 2_048 });
  return await startPair({ source: withCache(caches.source), destination: withCache(caches.destination) });
}

/** Empties a cluster and flushes it to disk, so that no measurement pays for an earlier one. */
export async function settle(client: MongoClient): Promise<void> {
  await client.db(DATABASE).dropDatabase();
  await client.db('linkspan_internal').dropDatabase();
  await client.db('admin').command({ fsync: 1 });
}
