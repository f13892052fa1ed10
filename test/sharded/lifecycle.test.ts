import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { writesAreBlocked } from '../../src/engine/mongodb/write-block.ts';
import { newId } from '../../src/platform/index.ts';
import { holdAt, onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { newShop, ordersOf } from './sharded-shop.ts';

suite('a migration from a sharded cluster', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;

  before(async () => {
    source = resources.use(await startShardedCluster({ routers: 2 }));
    destination = resources.use(await startReplicaSet());
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, 1_000);
  });

  test('is taken over in its copy by an engine that uses the other router, and resumes', async () => {
    const migrationId = newId();
    const small = { migrationId, partitionBytes: 4_000 };
    using held = holdAt('engine.copy.batch-acknowledged', { after: 1 });
    const [first = '', second = ''] = source.routerUris;
    await using early = RunningMigration.start({ source: { uri: first }, destination }, small);
    await held.reached;
    await ordersOf(source).updateMany({}, { $inc: { n: 1 } });
    await source.move('shop.orders', { _id: 700 }, source.shards[0]?.name ?? '');
    await using late = RunningMigration.start({ source: { uri: second }, destination }, { ...small, takeOver: true });
    held.release();
    await assert.rejects(early.outcome, { code: 'TAKEN_OVER' });
    await late.commit();
    await expectIdentical({ source, destination });
  });

  test('opens the source when it is stopped under the block, and cuts over after a restart of a shard', async () => {
    const migrationId = newId();
    await using watching = await connectCluster({ uri: source.uri }, 'source');
    using held = holdAt('engine.cutover.source-blocked', { times: 1 });
    const early = RunningMigration.start({ source, destination }, { migrationId });
    await early.untilReady();
    early.steering.cutOver();
    await held.reached;
    assert.equal(await writesAreBlocked(watching), true);
    const stopped = early.stop().catch(() => undefined);
    held.release();
    await stopped;
    assert.equal(await writesAreBlocked(watching), false);

    const [, shard] = source.shards;
    await shard?.members[0]?.kill();
    await using late = RunningMigration.start({ source, destination }, { migrationId, waitForClusters: true });
    await shard?.members[0]?.restart();
    await late.commit();
    assert.equal(await late.outcome, 'COMMITTED');
    await expectIdentical({ source, destination });
  });

  test('is never blocked for a rehearsal, whose block could not be lifted in time', async () => {
    using block = onceAt('engine.cutover.about-to-block', async () => undefined);
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    running.steering.rehearse(1);
    const ended = () => running.progress.cutoverAttempts.find(({ rehearsalId, result }) => rehearsalId === 1 && result);
    await running.until('the rehearsal to end', () => ended() !== undefined);
    assert.equal(ended()?.result, 'NOT_REHEARSED');
    assert.match(ended()?.reason ?? '', /sharded source can't be lifted in time/);
    assert.equal(ended()?.stoppedMs ?? 0, 0);
    assert.equal(block.result, undefined);
  });
});
