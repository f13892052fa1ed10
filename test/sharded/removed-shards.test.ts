import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/platform/index.ts';
import { holdAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

test('what a shard was written before it was removed, while no engine ran, is not lost', async () => {
  await using source = await startShardedCluster();
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

  // Its oplog alone has these changes, and no one reads that any more. Documents that move to another shard are no changes.
  await orders.updateOne({ _id: 70 }, { $set: { n: 2 } });
  await orders.deleteOne({ _id: 80 });
  await orders.insertOne({ _id: 200, n: 1 });
  await source.removeShard(second);
  await second.members[0]?.kill();

  await using late = RunningMigration.start({ source, destination }, { migrationId, expectsMismatches: true });
  await late.commit();
  assert.equal(await late.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
});

test('a shard is added, filled, drained and removed while the engine copies and follows, and nothing is lost', async () => {
  await using source = await startShardedCluster({ routers: 2 });
  await using destination = await startReplicaSet();
  const [first] = source.shards;
  assert.ok(first);
  await source.createDatabase('shop', first.name);
  await shardInTwo(source, 'shop.orders', { _id: 500 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(1_000, { n: 0 }));

  let written = 0;
  await using writing = runInBackground(async () => {
    const n = written++;
    await again(() => orders.updateOne({ _id: n % 1_000 }, { $inc: { n: 1 } }));
    await again(() => orders.insertOne({ _id: 10_000 + n, n }));
    if (n % 7 === 0) await again(() => orders.deleteOne({ _id: 10_000 + n - 3 }));
  });
  using held = holdAt('engine.copy.batch-acknowledged', { after: 1 });
  await using running = RunningMigration.start(
    { source, destination },
    { partitionBytes: 4_000, expectsMismatches: true },
  );
  await held.reached;
  const added = await source.addShard();
  await source.move('shop.orders', { _id: 700 }, added.name);
  held.release();
  await running.untilReady();
  const until = written + 20;
  await eventually(() => written >= until, { what: 'writes to the new shard' });
  assert.equal(running.progress.repairs, null);

  await source.removeShard(added);
  await running.untilReady();
  // The stream breaks, and what opens instead is without that shard.
  const [router] = source.routers;
  await router?.kill();
  await added.members[0]?.kill();
  await running.until('the loss', ({ repairs }) => repairs?.declared === 1);
  await router?.restart();
  assert.equal(await writing.stop(), undefined);
  await running.commit();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
});

/** Sends a write again that met a connection whose router has just ended it. Nothing was sent then, and the driver doesn't retry it. */
async function again(write: () => Promise<unknown>): Promise<void> {
  await write().catch(async (error: { readonly code?: unknown }) => {
    if (error.code !== 'EPIPE') throw error;
    await write();
  });
}
