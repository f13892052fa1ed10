import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { blockShown, tryToBlockWrites } from '../../src/engine/mongodb/write-block.ts';
import { eventually } from '../support/eventually.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { type Order, ordersOf, shardInTwo } from './sharded-shop.ts';

test('a write block doesn’t wait for good for a transaction that commits on two shards', async () => {
  await using source = await startShardedCluster();
  const [coordinator] = source.shards;
  assert.ok(coordinator);
  await source.createDatabase('shop', coordinator.name);
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(100, { n: 1 }));
  await using client = await connectCluster({ uri: source.uri }, 'source');

  const failPoint = { configureFailPoint: 'hangBeforeWritingDecision' };
  await coordinator.client.db('admin').command({ ...failPoint, mode: 'alwaysOn' });
  await using session = source.client.startSession();
  session.startTransaction();
  await orders.updateOne({ _id: 1 }, { $set: { n: 2 } }, { session });
  await orders.updateOne({ _id: 70 }, { $set: { n: 2 } }, { session });
  const committing = session.commitTransaction();
  await eventually(
    async () =>
      (
        await source.client
          .db('admin')
          .aggregate([
            { $currentOp: { idleSessions: true } },
            { $match: { 'transaction.timePreparedMicros': { $exists: true } } },
          ])
          .toArray()
      ).length === 2,
    { what: 'the transaction to be prepared on both shards' },
  );

  let asked = 0;
  const blocking = tryToBlockWrites(client, 200, async () => {
    asked += 1;
    if (asked === 3) await coordinator.client.db('admin').command({ ...failPoint, mode: 'off' });
  });
  assert.ok(await blocking);
  await committing;
  assert.equal(await blockShown(client), 'set');
  const written = await orders.find<Order>({ n: 2 }).toArray();
  assert.equal(written.length, 2);
  await assert.rejects(orders.updateOne({ _id: 1 }, { $set: { n: 3 } }), /User writes blocked/);
  await assert.rejects(orders.updateOne({ _id: 70 }, { $set: { n: 3 } }), /User writes blocked/);
});
