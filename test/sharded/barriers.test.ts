import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeBarrier } from '../../src/engine/mongodb/cluster-time.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { syncOnce } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

test('a barrier is passed although one shard and the config server write nothing by themselves', async () => {
  await using source = await startShardedCluster({ setParameters: { writePeriodicNoops: false } });
  await using destination = await startReplicaSet();
  const orders = ordersOf(source);
  await orders.insertMany(identified(100, { n: 0 }));
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  // All on the first shard.
  const writing = runInBackground(async () => void (await orders.updateOne({ _id: 1 }, { $inc: { n: 1 } })));
  await syncOnce({ source, destination }, { once: true });
  await writing.stop();
  await syncOnce({ source, destination }, { once: true, dropDestination: true });
  await expectIdentical({ source, destination });
});

test('after a barrier, the oplog of every idle server of a sharded cluster has come to its time', async () => {
  await using source = await startShardedCluster({ setParameters: { writePeriodicNoops: false } });
  await using client = await connectCluster({ uri: source.uri }, 'source');
  await ordersOf(source).insertMany(identified(100, { n: 0 }));
  for (let n = 0; n < 5; n += 1) {
    const barrier = await writeBarrier(client);
    for (const server of [source.config, ...source.shards]) {
      const oplog = server.client.db('local').collection('oplog.rs');
      const last = await oplog.findOne({}, { sort: { $natural: -1 }, projection: { ts: 1 } });
      assert.ok(last?.ts.greaterThanOrEqual(barrier), `${server.name}, barrier ${n}`);
    }
  }
});
