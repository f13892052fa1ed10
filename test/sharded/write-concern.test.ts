import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startShardedCluster } from '../support/sharded-cluster.ts';

/** How many writes a shard was sent for the majority, for one member, and without a write concern, which is one member for a shard. */
interface Counts {
  readonly majority: number;
  readonly one: number;
  readonly none: number;
}

test('writes through a router wait for the majority, unless the client wants less', async () => {
  const setParameters = { reportOpWriteConcernCountersInServerStatus: true };
  await using cluster = await startShardedCluster({ shards: 1, members: 3, setParameters });
  const [shard] = cluster.shards;
  assert.ok(shard);
  await cluster.shardCollection('shop.orders', { _id: 1 });
  const orders = cluster.client.db('shop').collection<{ _id: number; n?: number }>('orders');
  const countsOf = async (kind: 'insert' | 'update' | 'delete'): Promise<Counts> => {
    const { opWriteConcernCounters } = await shard.client.db('admin').command({ serverStatus: 1 });
    const { wmajority, wnum, none } = opWriteConcernCounters[kind];
    return { majority: Number(wmajority), one: Number(wnum['1'] ?? 0), none: Number(none) };
  };
  const before = await countsOf('insert');
  await orders.insertOne({ _id: 1 });
  await orders.insertOne({ _id: 2 }, { writeConcern: { w: 1 } });
  const inserted = await countsOf('insert');
  assert.deepEqual(inserted, { majority: before.majority + 1, one: before.one + 1, none: before.none });

  const updated = await countsOf('update');
  await orders.updateOne({ _id: 1 }, { $set: { n: 1 } });
  await orders.updateMany({}, { $set: { n: 2 } });
  assert.ok((await countsOf('update')).majority >= updated.majority + 2);
  assert.equal((await countsOf('update')).none, updated.none);
});
