import { type Clock, systemClock } from '../../src/platform/index.ts';
import type { ReplicaSetPair } from '../support/replica-set.ts';
import { emptyPair, numbered } from '../support/seeds.ts';

/** Looks at the catalog every 100 ms instead of every 10 s. */
export const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) };

/** A small shop on the source, and nothing of an earlier one on either side. */
export async function refill(pair: ReplicaSetPair): Promise<void> {
  await emptyPair(pair);
  const db = pair.source.client.db('shop');
  await db.collection('items').insertMany(numbered(1_000));
  await db.collection('items').createIndex({ n: 1 });
  await db.collection('extra').insertMany(numbered(10));
  await db.createCollection('view', { viewOn: 'items', pipeline: [] });
}
