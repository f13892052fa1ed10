import type { Document } from 'mongodb';
import { identified } from '../support/seeds.ts';
import type { ShardedCluster } from '../support/sharded-cluster.ts';
import type { ShardedPlan } from './sharded-plan.ts';
import { fillCustomers } from './twins.ts';
import type { WriteStep } from './writer-loop.ts';

/** Sharded collections whose chunks move. */
export const MOVED = ['shop.a', 'shop.b', 'acknowledged.entries', 'saved.documents', 'shop.customers'];

/** The collection that the balancer moves. */
export const ZONED = 'shop.b';
const ZONES = ['first', 'second'];
const BALANCED_EVERY_MS = 300;

/** Creates the collections of a sharded source, those of the writers too, and turns the balancer on if the plan says so. */
export async function fillSharded(source: ShardedCluster, plan: ShardedPlan): Promise<void> {
  const { documents, documentBytes, balancer } = plan;
  const [first, second] = source.shards.map(({ name }) => name);
  if (first === undefined || second === undefined) throw new Error('a shard is missing');
  await source.createDatabase('shop', first);
  await source.createDatabase('acknowledged', second);
  await source.shardCollection('shop.a', { _id: 'hashed' }, { numInitialChunks: 4 });
  await source.shardCollection('saved.documents', { _id: 'hashed' }, { numInitialChunks: 2 });
  const inRanges = async (namespace: string, key: Document, bounds: readonly Document[]) => {
    await source.shardCollection(namespace, key);
    for (const bound of bounds) await source.split(namespace, bound);
    const last = bounds.at(-1);
    if (last !== undefined) await source.move(namespace, last, namespace.startsWith('shop.') ? second : first);
  };
  await inRanges(ZONED, { _id: 1 }, [{ _id: documents / 4 }, { _id: documents / 2 }]);
  await inRanges('acknowledged.entries', { _id: 1 }, [{ _id: 100 }, { _id: 200 }]);
  await inRanges('shop.customers', { region: 1 }, [{ region: 'b' }]);
  const text = 'x'.repeat(documentBytes);
  for (const name of ['a', 'b', 'c']) {
    const collection = source.client.db('shop').collection(name);
    await collection.insertMany(identified(documents, { name, text }) as never);
    await collection.createIndex({ name: 1, _id: 1 });
    await collection.createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000_000 });
  }
  await fillCustomers(source.client);
  if (balancer) await startBalancer(source, [first, second]);
}

async function startBalancer(source: ShardedCluster, shards: readonly string[]): Promise<void> {
  const admin = source.client.db('admin');
  for (const [n, shard] of shards.entries()) await admin.command({ addShardToZone: shard, zone: ZONES[n] });
  const interval = { configureFailPoint: 'overrideBalanceRoundInterval', mode: 'alwaysOn' };
  await source.config.client.db('admin').command({ ...interval, data: { intervalMs: BALANCED_EVERY_MS } });
  await source.setBalancer(true);
}

/** Gives another zone to the lower half of a collection, and to the upper half, so that the balancer moves both. */
export function moveZones(source: ShardedCluster): WriteStep {
  const admin = source.client.db('admin');
  let turn = 0;
  return async () => {
    const config = source.client.db('config');
    const entry = await config.collection<Document>('collections').findOne({ _id: ZONED as never });
    const all = await config.collection('chunks').find({ uuid: entry?.uuid }).sort({ min: 1 }).toArray();
    const middle = all[Math.floor(all.length / 2)]?.min;
    const ranges = [
      [all[0]?.min, middle],
      [middle, all.at(-1)?.max],
    ];
    for (const [min, max] of ranges) await admin.command({ updateZoneKeyRange: ZONED, min, max, zone: null });
    for (const [n, [min, max]] of ranges.entries())
      await admin.command({ updateZoneKeyRange: ZONED, min, max, zone: ZONES[(n + turn) % ZONES.length] });
    turn += 1;
  };
}
