import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { cleanUp } from '../../src/engine/index.ts';
import { newId, onFailpoint } from '../../src/platform/index.ts';
import { changesBetween, snapshotOf } from '../campaign/snapshot-of.ts';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectHookReached, runLinkspan } from '../support/linkspan-process.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { newShop, ordersOf } from './sharded-shop.ts';

const MOMENTS = {
  'in its copy': 'engine.copy.batch-acknowledged',
  'while it follows': 'engine.checkpoint.saved',
  'under the write block': 'engine.cutover.source-blocked',
  'right before its commit': 'engine.cutover.drained',
} as const;

suite('a sharded source', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;
  let untouched: readonly string[];

  before(async () => {
    source = resources.use(await startShardedCluster());
    destination = resources.use(await startReplicaSet());
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, 200);
    untouched = await snapshotOf(source.client);
  });

  /** Writes a document of the first shard, and again what it was. A write without an effect is refused by no block. */
  async function touch(): Promise<true> {
    for (const n of [0, 1]) await ordersOf(source).updateOne({ _id: 1 }, { $set: { n } });
    return true;
  }

  /** Checks the servers themselves: none has a block or a database of Linkspan's, users write to all shards, and their data is as before. */
  async function expectOpenAndUntouched(): Promise<void> {
    for (const { name, client } of [source.config, ...source.shards]) {
      const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
      assert.ok(!databases.some((database) => database.name === 'linkspan_internal'), name);
      const blocks = client.db('config').collection('user_writes_critical_sections');
      assert.equal(await blocks.countDocuments(), 0, name);
    }
    assert.deepEqual(changesBetween(untouched, await snapshotOf(source.client)), []);
    assert.equal((await ordersOf(source).updateMany({}, { $inc: { n: 1 } })).modifiedCount, 200);
  }

  async function expectCleanDestination(migrationId: string): Promise<void> {
    await cleanUp({ uri: destination.uri }, migrationId, { drop: true });
    const { databases } = await destination.client.db().admin().listDatabases({ nameOnly: true });
    const names = databases.map(({ name }) => name).filter((name) => !['admin', 'config', 'local'].includes(name));
    assert.deepEqual(names, []);
  }

  for (const [when, point] of Object.entries(MOMENTS)) {
    test(`is open and as before when the migration is cancelled ${when}`, async () => {
      const migrationId = newId();
      await using running = RunningMigration.start({ source, destination }, { migrationId });
      if (point !== MOMENTS['in its copy']) await running.untilReady();
      let cancelled: Promise<void> | undefined;
      using _ = onFailpoint(point, async () => {
        cancelled ??= running.steering.cancel(true);
      });
      if (point.startsWith('engine.cutover')) running.steering.cutOver();
      await eventually(() => cancelled !== undefined, { what: point });
      await cancelled;
      assert.equal(await running.outcome, 'CANCELLED');
      await expectOpenAndUntouched();
      await expectCleanDestination(migrationId);
    });
  }

  test('opens permanently when the migration is cancelled while a transaction still holds its block up', async () => {
    const migrationId = newId();
    await using running = RunningMigration.start({ source, destination }, { migrationId });
    await running.untilReady();
    await using session = source.client.startSession();
    using began = onceAt('engine.cutover.about-to-block', async () => {
      session.startTransaction();
      await ordersOf(source).updateOne({ _id: 150 }, { $set: { n: 2 } }, { session });
    });
    running.steering.cutOver();
    const isRefused = async () => /User writes blocked/.test(String(await touch().catch((reason: unknown) => reason)));
    await eventually(isRefused, { what: 'the first shard to have the block' });
    await began.result;
    const cancelled = running.steering.cancel(true);
    await session.abortTransaction();
    await cancelled;
    assert.equal(await running.outcome, 'CANCELLED');
    await touch();
    await expectOpenAndUntouched();
    await expectCleanDestination(migrationId);
  });

  test('is opened by the watchdog of an engine that is killed under the block, and a successor can be cancelled', async () => {
    const clusters = ['--cluster0', source.uri, '--cluster1', destination.uri];
    await using killed = runLinkspan(['sync', ...clusters, '--port', '0'], {
      hook: 'engine.cutover.source-blocked=kill',
    });
    const [, url] = await killed.waitForLine(/API is ready at (\S+)$/);
    const ask = (call: string, body: object) =>
      fetch(`${url}/${call}`, { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
    await ask('start', { source: 'cluster0', destination: 'cluster1' });
    await killed.waitForLine(/^ready to cut over: /);
    await ask('commit', {});
    await expectHookReached(killed);
    // The shards are opened first, and the config server last.
    await eventually(
      () =>
        touch()
          .then(expectOpenAndUntouched)
          .then(() => true),
      { what: 'the source to be open' },
    );

    const left = await destination.client.db('linkspan_internal').collection('migrations').findOne();
    const migrationId = String(left?._id);
    await using successor = RunningMigration.start({ source, destination }, { migrationId, takeOver: true });
    await successor.untilReady();
    await successor.steering.cancel(true);
    assert.equal(await successor.outcome, 'CANCELLED');
    await expectCleanDestination(migrationId);
  });
});
