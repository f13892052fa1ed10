import type { MongoClient } from 'mongodb';
import { type ReplicaSetPair, startPair } from '../test/support/replica-set.ts';

/** The database that every measurement works in. */
export const DATABASE = 'bench';

/** Two sets with room for the data in their caches. */
export async function startServers(): Promise<ReplicaSetPair> {
  const options = { cacheGigabytes: 1, oplogSizeMegabytes: 2_048 };
  return await startPair({ source: options, destination: options });
}

/** Empties a cluster and lets it write everything to disk, so that nobody works on behalf of whoever came before. */
export async function settle(client: MongoClient): Promise<void> {
  await client.db(DATABASE).dropDatabase();
  await client.db('linkspan_internal').dropDatabase();
  await client.db('admin').command({ fsync: 1 });
}
