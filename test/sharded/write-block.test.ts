import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { writesAreBlocked } from '../../src/engine/mongodb/write-block.ts';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { type Order, ordersOf, shardInTwo } from './sharded-shop.ts';

test('a transaction that begins right before the block is waited for, in the same attempt', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(100, { n: 1 }));
  await using watching = await connectCluster({ uri: source.uri }, 'source');
  await using running = RunningMigration.start({ source, destination });
  await running.untilReady();
  assert.equal(await writesAreBlocked(watching), false);

  await using session = source.client.startSession();
  // On the second shard, so that the first one has the block for some time, and this one has not.
  using _ = onceAt('engine.cutover.about-to-block', async () => {
    session.startTransaction();
    await orders.updateOne({ _id: 70 }, { $set: { n: 2 } }, { session });
  });
  running.migration.want('cutover');
  const isRefused = async () => {
    const error = await orders.updateOne({ _id: 1 }, { $inc: { n: 1 } }).catch((reason: unknown) => reason);
    return /User writes blocked/.test(String(error));
  };
  await eventually(isRefused, { what: 'the first shard to have the block' });
  assert.notEqual(running.progress.state, 'committed');
  await session.commitTransaction();

  assert.equal(await running.outcome, 'committed');
  assert.equal(running.progress.cutover?.attempts, 1);
  assert.equal(await writesAreBlocked(watching), true);
  await expectIdentical({ source, destination });
  const written = await destination.client.db('shop').collection<Order>('orders').findOne({ _id: 70 });
  assert.equal(written?.n, 2);
});
