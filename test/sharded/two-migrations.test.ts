import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { openAbandonedSource } from '../../src/engine/cutover/open-abandoned-source.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { writesAreBlocked } from '../../src/engine/mongodb/write-block.ts';
import { newId } from '../../src/platform/index.ts';
import { holdAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { emptyCluster } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { newShop } from './sharded-shop.ts';

interface LeftRecord {
  readonly _id: string;
  readonly term: number;
}

suite('of two migrations from one sharded cluster', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;
  let elsewhere: ReplicaSet;
  let watching: MongoClient;

  before(async () => {
    const sets = Promise.all([startReplicaSet(), startReplicaSet()]);
    source = resources.use(await startShardedCluster({ routers: 2 }));
    [destination, elsewhere] = await sets;
    for (const set of [destination, elsewhere]) resources.use(set);
    watching = resources.use(await connectCluster({ uri: source.uri }, 'source'));
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, 100);
    await emptyCluster(elsewhere.client);
  });

  /** Starts both, each through a router of its own. */
  function start(migrationId = newId()): [RunningMigration, RunningMigration] {
    const [one = '', other = ''] = source.routerUris;
    return [
      RunningMigration.start({ source: { uri: one }, destination }, { migrationId }),
      RunningMigration.start({ source: { uri: other }, destination: elsewhere }),
    ];
  }

  async function expectWait(waiting: RunningMigration, holder: RunningMigration): Promise<void> {
    const { migrationId } = holder.migration.current.options;
    const isNamed = () => waiting.progress.waiting.some(({ reason }) => reason.includes(migrationId));
    await waiting.until('a wait for the other one', ({ state }) => state === 'COMMITTED' || isNamed());
    assert.notEqual(waiting.progress.state, 'COMMITTED');
  }

  test('the second waits for the first by name, and then commits under its block', async () => {
    const [one, two] = start();
    await using first = one;
    await using second = two;
    await Promise.all([first.untilReady(), second.untilReady()]);
    using held = holdAt('engine.cutover.source-blocked', { times: 1 });
    first.steering.cutOver();
    await held.reached;
    second.steering.cutOver();
    await expectWait(second, first);
    held.release();
    assert.equal(await first.outcome, 'COMMITTED');
    assert.equal(await second.outcome, 'COMMITTED');
    assert.equal(await writesAreBlocked(watching), true);
    for (const set of [destination, elsewhere]) await expectIdentical({ source, destination: set });
  });

  test('that begin to block it at the same moment one waits, and commits when the other gives up', async () => {
    const [one, two] = start();
    await using first = one;
    await using second = two;
    await Promise.all([first.untilReady(), second.untilReady()]);
    using both = holdAt('engine.cutover.about-to-block', { times: 2 });
    using under = holdAt('engine.cutover.source-blocked', { times: 1 });
    first.steering.cutOver();
    await both.reached;
    second.steering.cutOver();
    await second.until('its announcement', ({ cutover }) => cutover?.attempts === 1);
    both.release();
    await under.reached;
    const holds = (await recordOf(source))?.holder.migrationId === first.migration.current.options.migrationId;
    const [holder, waiting] = holds ? [first, second] : [second, first];
    await expectWait(waiting, holder);
    const stopped = holder.stop();
    under.release();
    await stopped;
    assert.equal(await waiting.outcome, 'COMMITTED');
    assert.equal(await writesAreBlocked(watching), true);
    await expectIdentical({ source, destination: waiting === first ? destination : elsewhere });
  });

  test('one that was killed under its block leaves it to the other, which has committed, whatever becomes of it', async () => {
    const migrationId = newId();
    const [one, two] = start(migrationId);
    await using first = one;
    await using second = two;
    await Promise.all([first.untilReady(), second.untilReady()]);
    await first.stop();
    await second.commit();
    const records = destination.client.db('linkspan_internal').collection<LeftRecord>('migrations');
    const leave = async (claim: string) => {
      const cutover = { requestedAtMs: 1, blocking: true, committed: false, attempts: 1, claim };
      const left = { $set: { cutover, state: 'COMMITTING' } };
      return (await records.findOneAndUpdate({ _id: migrationId }, left))?.term ?? 0;
    };
    const claim = newId();
    const abandoned = { claim: { id: claim, migrationId, term: await leave(claim) }, source, destination };
    assert.equal(await openAbandonedSource(abandoned, AbortSignal.timeout(10_000)), false);
    assert.equal(await writesAreBlocked(watching), true);
    await leave(claim);
    await using again = RunningMigration.start({ source, destination }, { migrationId });
    await again.untilReady();
    assert.equal(await writesAreBlocked(watching), true);
    using held = holdAt('engine.cutover.source-blocked', { times: 1 });
    again.steering.cutOver();
    await held.reached;
    const cancelled = again.steering.cancel(true);
    held.release();
    await cancelled;
    assert.equal(await again.outcome, 'CANCELLED');
    assert.equal(await writesAreBlocked(watching), true);
    await expectIdentical({ source, destination: elsewhere });
  });
});

async function recordOf({ client }: ShardedCluster) {
  return await client.db('admin').collection('linkspan_write_block').findOne();
}
