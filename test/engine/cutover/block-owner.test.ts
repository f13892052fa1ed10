import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { SideWriter } from './side-writer.ts';
import { sourceUser } from './source-user.ts';

const skip = needsSource('6.0', 'it has no write block');
const READS = { true: 'whose oplog may be read', false: 'whose oplog may not be read' };
const BLOCK = { setUserWriteBlockMode: 1, global: true };
const LIFT = { setUserWriteBlockMode: 1, global: false };

/** One source with an application, and two destinations, each with a migration that is ready. */
interface TwoMigrations extends AsyncDisposable {
  /** The destination of the first migration. */
  readonly destination: ReplicaSet;
  readonly app: SideWriter;
  readonly one: RunningMigration;
  readonly two: RunningMigration;
  readonly appOfOne: SideWriter;
  readonly appOfTwo: SideWriter;
}

async function twoMigrations({ readsOplog }: { readonly readsOplog: boolean }): Promise<TwoMigrations> {
  await using resources = new AsyncDisposableStack();
  const pair: ReplicaSetPair = resources.use(await startPair({ source: { auth: true }, destination: { auth: true } }));
  const second = resources.use(await startReplicaSet({ auth: true }));
  const source = await sourceUser(pair.source, { readsOplog });
  const app = resources.use(await SideWriter.start(pair.source, 'source'));
  const one = resources.use(RunningMigration.start({ source, destination: pair.destination }));
  const two = resources.use(RunningMigration.start({ source, destination: second }));
  await Promise.all([one.untilReady(), two.untilReady()]);
  // Both destinations are blocked by now.
  const appOfOne = resources.use(await SideWriter.start(pair.destination, 'one'));
  const appOfTwo = resources.use(await SideWriter.start(second, 'two'));
  const kept = resources.move();
  return {
    destination: pair.destination,
    app,
    one,
    two,
    appOfOne,
    appOfTwo,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const WAITS_FOR_BLOCK = 'a moment in which the source can be blocked';

function waitsFor(migration: RunningMigration, reason: string): Promise<void> {
  return migration.until('the wait to be told', ({ waiting }) =>
    waiting.some((wait) => wait.for === WAITS_FOR_BLOCK && wait.reason.includes(reason)),
  );
}

// id: block-left-for-committed
test('a migration that gives up its cutover leaves the source blocked for one that was committed before', {
  skip,
}, async (t) => {
  for (const readsOplog of [true, false])
    await t.test(READS[`${readsOplog}`], async () => {
      await using world = await twoMigrations({ readsOplog });
      const { one, two, app, appOfOne } = world;
      await one.commit();
      if (readsOplog) {
        using held = holdAt('engine.cutover.source-blocked', { times: 1 });
        two.steering.cutOver();
        await held.reached;
        const cancelled = two.steering.cancel(false);
        held.release();
        await cancelled;
      } else {
        two.steering.cutOver();
        await waitsFor(two, 'may not read its oplog');
        await two.steering.cancel(false);
      }
      assert.equal(await two.outcome, 'CANCELLED');
      assert.equal(await app.canWrite(), false);
      await eventually(() => appOfOne.acknowledged > 0, { what: 'the destination to take writes' });
      await app.assertTakenOverBy(appOfOne);
    });
});

// id: second-cutover-waits
test('of two cutovers from one source the second waits, and begins when the first is cancelled', {
  skip,
}, async (t) => {
  for (const readsOplog of [true, false])
    await t.test(READS[`${readsOplog}`], async () => {
      await using world = await twoMigrations({ readsOplog });
      const { one, two, app, appOfTwo } = world;
      using held = holdAt('engine.cutover.source-blocked', { times: 1 });
      one.steering.cutOver();
      await held.reached;
      two.steering.cutOver();
      await waitsFor(two, readsOplog ? one.migration.current.options.migrationId : 'may not read its oplog');
      const before = app.acknowledged;
      const cancelled = one.steering.cancel(false);
      held.release();
      await cancelled;
      assert.equal(await two.outcome, 'COMMITTED');
      assert.ok(app.acknowledged > before, 'no one could write in between');
      assert.equal(await app.canWrite(), false);
      await eventually(() => appOfTwo.acknowledged > 0, { what: 'the second destination to take writes' });
      await app.assertTakenOverBy(appOfTwo);
    });
});

// id: killed-cutover-opens-nothing
test('a migration that was killed in its cutover does not open the source when another was committed from it since, and commits, too', {
  skip,
}, async () => {
  await using world = await twoMigrations({ readsOplog: true });
  const { one, two, app, appOfOne, appOfTwo } = world;
  const { migrationId, source, destination } = one.migration.current.options;
  await one.stop();
  await two.commit();
  const records = world.destination.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
  const cutover = { requestedAtMs: 1, blocking: true, committed: false, claim: 'of the engine that was killed' };
  await records.updateOne({ _id: migrationId }, { $set: { cutover, state: 'COMMITTING' } });
  {
    await using again = RunningMigration.start({ source, destination }, { migrationId });
    await again.untilReady();
    assert.equal(await app.canWrite(), false);
  }
  await syncOnce({ source, destination }, { migrationId });
  assert.equal(await app.canWrite(), false);
  await eventually(() => appOfOne.acknowledged > 0 && appOfTwo.acknowledged > 0, { what: 'both to take writes' });
  await app.assertTakenOverBy(appOfOne);
  await app.assertTakenOverBy(appOfTwo);
});

// id: block-set-by-hand
test('a block that another client set by hand serves the cutover, and is left to that client', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await using app = await SideWriter.start(pair.source, 'source');
  await eventually(() => app.acknowledged > 0, { what: 'the application to write' });
  await pair.source.client.db('admin').command(BLOCK);
  await using given = RunningMigration.start(pair);
  await given.untilReady();
  assert.match(given.progress.warnings.join(), /User writes on the source were blocked/);
  {
    using held = holdAt('engine.cutover.source-blocked', { times: 1 });
    given.steering.cutOver();
    await held.reached;
    const cancelled = given.steering.cancel(true);
    held.release();
    await cancelled;
    assert.equal(await app.canWrite(), false);
  }
  await syncOnce(pair);
  assert.equal(await app.canWrite(), false);
  await using appThere = await SideWriter.start(pair.destination, 'destination');
  await eventually(() => appThere.acknowledged > 0, { what: 'the destination to take writes' });
  await app.assertTakenOverBy(appThere);
});

test('a block that another client lifts before the commit aborts the cutover', { skip }, async (t) => {
  for (const readsOplog of [true, false])
    await t.test(READS[`${readsOplog}`], async () => {
      await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
      const source = await sourceUser(pair.source, { readsOplog });
      await using app = await SideWriter.start(pair.source, 'source');
      await using running = RunningMigration.start({ source, destination: pair.destination });
      await running.untilReady();
      await using appThere = await SideWriter.start(pair.destination, 'destination');
      let lifted = 0;
      using _ = onFailpoint('engine.cutover.drained', async () => {
        lifted += 1;
        if (lifted > 1) return;
        await pair.source.client.db('admin').command(LIFT);
        assert.equal(await app.canWrite(), true);
      });
      await running.commit();
      assert.equal(lifted, 2);
      await eventually(() => appThere.acknowledged > 0, { what: 'the destination to take writes' });
      await app.assertTakenOverBy(appThere);
    });
});

test('a block that another client lifts and sets again before the commit aborts the cutover', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const source = await sourceUser(pair.source, { readsOplog: true });
  await using running = RunningMigration.start({ source, destination: pair.destination });
  await running.untilReady();
  let drained = 0;
  using _ = onFailpoint('engine.cutover.drained', async () => {
    drained += 1;
    if (drained > 1) return;
    const admin = pair.source.client.db('admin');
    await admin.command(LIFT);
    await admin.command(BLOCK);
  });
  await running.commit();
  assert.equal(drained, 2);
});
