import { type Clock, systemClock } from '../../src/platform/index.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';

/** Looks at the catalog every 100 ms instead of every 10 s. */
export const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) };

/** A small shop on the source, and nothing of an earlier one on either side. */
export async function refill({ source, destination }: ReplicaSetPair): Promise<void> {
  for (const { client } of [source, destination]) {
    for (const name of ['shop', 'linkspan_internal']) await client.db(name).dropDatabase();
  }
  const db = source.client.db('shop');
  await db.collection('items').insertMany(numbered(1_000));
  await db.collection('items').createIndex({ n: 1 });
  await db.collection('extra').insertMany(numbered(10));
  await db.createCollection('view', { viewOn: 'items', pipeline: [] });
}

export function numbered(count: number, fields: object = {}): object[] {
  return Array.from({ length: count }, (_, n) => ({ n, number: n, ...fields }));
}
