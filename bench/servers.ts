import type { MongoClient } from 'mongodb';
import { type ReplicaSetPair, startPair } from '../test/support/replica-set.ts';

/** The database of all measurements. */
export const DATABASE = 'bench';

/** Starts two replica sets whose caches can hold the data. */
export async function startServers(): Promise<ReplicaSetPair> {
  const options = { cacheGigabytes: 1, oplogSizeMegabytes: 2_048 };
  return await startPair({ source: options, destination: options });
}

/** Empties a cluster and flushes it to disk, so that no measurement pays for an earlier one. */
export async function settle(client: MongoClient): Promise<void> {
  await client.db(DATABASE).dropDatabase();
  await client.db('linkspan_internal').dropDatabase();
  await client.db('admin').command({ fsync: 1 });
}
