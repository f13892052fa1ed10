import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriterLoop } from '../campaign/writer-loop.ts';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

/** Without it, writes take all of a small machine's time. */
const WRITE_EVERY_MS = 20;

/** Kills the primary of a set, waits for the next one, and restarts the member. */
async function replacePrimary(set: ReplicaSet): Promise<void> {
  const primary = await set.primary();
  await primary.kill();
  if (set.members.length > 1) await set.primary();
  await primary.restart();
}

test('elections of a shard and a lost config server, in the copy, while following and under the block, lose nothing', async () => {
  await using source = await startShardedCluster({ ofShard: (number) => ({ members: number === 1 ? 3 : 1 }) });
  await using destination = await startReplicaSet();
  const [first, second] = source.shards;
  assert.ok(first && second);
  await source.createDatabase('shop', first.name);
  await shardInTwo(source, 'shop.orders', { _id: 500 });
  const orders = ordersOf(source);
  await orders.insertMany(identified(1_000, { n: 0 }));
  let written = 0;
  // A write without an acknowledgement may be there or not, and both sides must agree.
  const writing = new WriterLoop(async () => {
    const n = written++;
    await orders.updateOne({ _id: (n * 37) % 1_000 }, { $inc: { n: 1 } });
    await orders.insertOne({ _id: 10_000 + n, n });
    await orders.deleteOne({ _id: 10_000 + n - 3 });
  }, WRITE_EVERY_MS);
  await using _writing = { [Symbol.asyncDispose]: () => writing.stop() };
  const someWrites = async () => {
    const until = writing.accepted + 10;
    await eventually(() => writing.accepted >= until, { what: 'some writes' });
  };

  using inCopy = onceAt('engine.copy.batch-acknowledged', async () => {
    await second.stepDown();
    await someWrites();
    await replacePrimary(first);
  });
  await using running = RunningMigration.start({ source, destination }, { partitionBytes: 4_000 });
  await running.untilReady();
  assert.ok(inCopy.result);

  for (const set of [second, source.config]) {
    await replacePrimary(set);
    await someWrites();
  }
  await writing.stop();
  let electing: Promise<void> | undefined;
  using _ = onceAt('engine.cutover.about-to-block', async () => {
    // Not awaited, so that the block is set meanwhile.
    electing = second.stepDown();
  });
  using underBlock = onceAt('engine.cutover.source-blocked', async () => {
    assert.ok(electing);
    await electing;
    await second.stepDown();
    // The new primary has the block, too. An election may end a write in another way.
    const answered = (_id: number) =>
      orders.updateOne({ _id }, { $inc: { n: 1 } }).then(
        () => 'taken',
        (error) => /User writes blocked/.test(String(error)) && 'refused',
      );
    for (const _id of [1, 999])
      assert.equal(await eventually(() => answered(_id), { what: 'an answer of each shard' }), 'refused');
  });
  await running.commit();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.ok(underBlock.result);
  await underBlock.result;
  await expectIdentical({ source, destination });
});
