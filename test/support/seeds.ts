import type { MongoClient } from 'mongodb';
import { recordTriedRawData } from './dialect/tried-raw-data.ts';
import type { ReplicaSetPair } from './replica-set.ts';
import { allowWrites } from './source-version.ts';

/** Returns `count` documents with the numbers from 0 in the field `n`, each with the other fields. */
export function numbered<Fields extends object = object>(count: number, fields?: Fields): ({ n: number } & Fields)[] {
  return Array.from({ length: count }, (_, n) => ({ n, ...(fields as Fields) }));
}

/** Returns `count` documents with the numbers from 0 as `_id`, each with the other fields. */
export function identified<Fields extends object = object>(
  count: number,
  fields?: Fields,
): ({ _id: number } & Fields)[] {
  return Array.from({ length: count }, (_, _id) => ({ _id, ...(fields as Fields) }));
}

/** Lifts the write block and drops all databases except the server's own, including the records of earlier migrations. Users stay. */
export async function emptyCluster(client: MongoClient): Promise<void> {
  await allowWrites(client);
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) {
    if (!['admin', 'config', 'local'].includes(name)) await client.db(name).dropDatabase();
  }
}

/** Empties both clusters as {@link emptyCluster} does, and ends `failCommand` on all running members. A dialect of 9.0 still takes time series. */
export async function emptyPair({ source, destination }: ReplicaSetPair): Promise<void> {
  for (const side of [source, destination]) {
    await side.clearFailPoints();
    await emptyCluster(side.client);
    await recordTriedRawData(side);
  }
}
