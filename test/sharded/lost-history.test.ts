import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { rollOplog, smallOplog } from '../support/roll-oplog.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

test('history that one shard has lost is repaired by a comparison, and the other shard has its changes followed', async () => {
  await using source = await startShardedCluster({ ofShard: (number) => (number === 1 ? smallOplog : {}) });
  await using destination = await startReplicaSet();
  const [first, second] = source.shards;
  assert.ok(first && second);
  await source.createDatabase('shop', first.name);
  await shardInTwo(source, 'shop.orders', { _id: 50 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(100, { n: 1 }));
  const migrationId = newId();
  await using early = RunningMigration.start({ source, destination }, { migrationId });
  await early.untilReady();
  await early.stop();

  const changeOn = async (least: number) => {
    await orders.updateOne({ _id: least + 1 }, { $set: { n: 2 } });
    await orders.deleteOne({ _id: least + 2 });
    await orders.insertOne({ _id: least < 50 ? -1 : 200, n: 3 });
  };
  await changeOn(0);
  await changeOn(50);
  // No one but the second shard had this change, and it has moved away without an event since.
  await orders.updateOne({ _id: 60 }, { $set: { n: 4 } });
  await source.split('shop.orders', { _id: 70 });
  await source.move('shop.orders', { _id: 60 }, first.name);
  await rollOplog(second);

  await using late = RunningMigration.start({ source, destination }, { migrationId });
  await late.untilReady();
  assert.equal(late.progress.repairs?.declared, 1);
  assert.ok((late.progress.repairs?.keysDiffered ?? 0) >= 4, JSON.stringify(late.progress.repairs));
  await late.commit();
  assert.equal(await late.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
});
