import type { Collection, Document } from 'mongodb';
import { type Clock, systemClock } from '../../src/platform/index.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { emptyCluster, identified } from '../support/seeds.ts';
import type { ShardedCluster, ShardingOptions } from '../support/sharded-cluster.ts';

export interface Order {
  _id: number;
  n: number;
}

/** The sharded collection of these tests. */
export function ordersOf({ client }: ShardedCluster): Collection<Order> {
  return client.db('shop').collection<Order>('orders');
}

/** Shards a collection of the database `shop` by the fields of `middle`, and has what is not below it on the second shard. */
export async function shardInTwo(
  cluster: ShardedCluster,
  namespace: string,
  middle: Document,
  options?: ShardingOptions,
): Promise<void> {
  await cluster.shardCollection(namespace, Object.fromEntries(Object.keys(middle).map((field) => [field, 1])), options);
  await cluster.split(namespace, middle);
  await cluster.move(namespace, middle, cluster.shards[1]?.name ?? '');
}

/** Opens and empties both clusters, and fills the sharded collection of these tests, half of it on each shard. */
export async function newShop(source: ShardedCluster, destination: ReplicaSet, documents: number): Promise<void> {
  await source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await source.client.db('shop').dropDatabase();
  await emptyCluster(destination.client);
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: documents / 2 });
  await ordersOf(source).insertMany(identified(documents, { n: 1 }));
}

/** A clock with which a collection that is quarantined is tried again after 2 s, in place of 30 s. */
export const hurried: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === 30_000 ? 2_000 : ms, signal),
};
