import { type Clock, systemClock } from '../../src/platform/index.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';
import { emptyPair, numbered } from '../support/seeds.ts';

/** Makes the engine check the catalog every 100 ms instead of every 10 s. */
export const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) };

/** Empties both sides and fills a small shop on the source. */
export async function refill(pair: ReplicaSetPair): Promise<void> {
  await emptyPair(pair);
  const db = pair.source.client.db('shop');
  await db.collection('items').insertMany(numbered(1_000));
  await db.collection('items').createIndex({ n: 1 });
  await db.collection('extra').insertMany(numbered(10));
  await db.createCollection('view', { viewOn: 'items', pipeline: [] });
}
