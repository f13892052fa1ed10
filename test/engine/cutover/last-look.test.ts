import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writesAreBlocked } from '../../../src/engine/mongodb/write-block.ts';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** Without checkpoints, the next write of the migration's record after the last look is the one that commits. */
const withoutCheckpoints = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === 5_000 ? 3_600_000 : ms, signal),
};

const SLOW_STREAM = {
  failCommands: ['getMore'],
  appName: 'linkspan-source',
  blockConnection: true,
  blockTimeMS: 4_000,
};

const skip = needsSource('6.0', 'it has no write block, and its catalog has to stand still');

// id: selection-changed-after-drain
test('a selection whose documents or catalog change after the drain is not committed', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  const changes = [
    () => db.collection('items').insertOne({ late: true }),
    () => db.collection('items').createIndex({ late: 1 }),
    () => db.createCollection('late'),
  ];
  for (const change of changes) {
    await db.dropDatabase();
    await db.collection('items').insertOne({ n: 1 });
    using _ = onFailpoint('engine.cutover.drained', async () => {
      // A slow stream: only a barrier can tell whether it has shown everything.
      await pair.source.failCommand({ mode: { times: 1 }, data: SLOW_STREAM });
      for (let n = 0; n < 5; n += 1) await pair.source.client.db('other').collection('items').insertOne({ n });
      await change();
    });
    const filters = { include: [{ database: 'shop' }] };
    await using running = RunningMigration.start(pair, { filters, dropDestination: true });
    await running.untilReady();
    running.steering.cutOver();
    await assert.rejects(running.outcome, { code: 'SOURCE_STILL_WRITTEN' }, String(change));
    assert.equal(running.progress.canWrite, false);
    const attempt = running.progress.cutoverAttempts.at(-1);
    assert.deepEqual([attempt?.result, attempt?.steps.at(-1)?.durationMs !== undefined], ['FAILED', true]);
    assert.match(attempt?.reason ?? '', /still wrote/);
  }
});

// id: bypassing-writes-applied
test('writes of a user who bypasses the write block are applied before the commit', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  let drained = 0;
  using _ = onFailpoint('engine.cutover.drained', async () => {
    drained += 1;
    if (drained > 1) return;
    await items.insertOne({ under: 'the block' });
    await items.createIndex({ under: 1 });
  });
  await using running = RunningMigration.start(pair);
  await running.until('the warning', ({ warnings }) => warnings.some((one) => /admin\.root/.test(one)));
  await running.commit();
  assert.equal(drained, 2);
  await expectIdentical(pair);
});

// id: gives-up-at-once
test('a cutover may give up at once when another client writes under the block, says who, and is tried again', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true } });
  await pair.source.createUser('app', 'secret', ['readWriteAnyDatabase']);
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  let attempts = 0;
  using _ = onFailpoint('engine.cutover.drained', async () => {
    attempts += 1;
    if (attempts === 1) await items.insertOne({ under: 'the block' });
  });
  await using running = RunningMigration.start(pair, { bypassingWrites: 'giveUp' });
  await running.untilReady();
  running.steering.cutOver();
  await running.until('the reason', ({ state, notReadyReasons, waiting }) => {
    const names = (text: string) => /1 change in shop\.items .*admin\.root\).*1 of 1 attempt stopped/.test(text);
    return state === 'FOLLOWING' && notReadyReasons.some(names) && waiting.some(({ reason }) => names(reason));
  });
  assert.equal(running.progress.canWrite, false);
  await pair.source.client.db('admin').command({ ping: 1 });
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(running.progress.cutover?.attempts, 2);
  await expectIdentical(pair);
});

// id: endless-writes-under-block
test('a user who writes under the block without end keeps the source from being blocked for longer than the deadline', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  const deadlines: AbortController[] = [];
  const timeout = (ms: number) => {
    if (ms !== 60_000) return systemClock.timeout(ms);
    const deadline = new AbortController();
    deadlines.push(deadline);
    return deadline.signal;
  };
  let rounds = 0;
  using _ = onFailpoint('engine.cutover.drained', async () => {
    rounds += 1;
    if (deadlines.length === 1) await items.insertOne({ rounds });
    if (rounds === 3) deadlines[0]?.abort(new Error('late'));
  });
  await using running = RunningMigration.start(pair, { clock: { ...systemClock, timeout } });
  await running.untilReady();
  running.steering.cutOver();
  await running.until('the reason', ({ state, waiting }) => {
    return state === 'FOLLOWING' && waiting.some(({ reason }) => /shop\.items .*admin\.root/.test(reason));
  });
  assert.equal(running.progress.cutover?.blocking, false);
  assert.equal(await running.outcome, 'COMMITTED');
  assert.ok(rounds >= 4);
  await expectIdentical(pair);
});

// id: written-before-commit-alarm
test('what comes between the last look and the commit is not applied, raises an alarm, and opens no destination', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await using running = RunningMigration.start(pair, { clock: withoutCheckpoints });
  await running.untilReady();
  let drained = false;
  let openBefore: boolean | undefined;
  using _drained = onFailpoint('engine.cutover.drained', async () => {
    drained = true;
  });
  using _committing = onFailpoint('engine.write.update.migrations', async () => {
    if (!drained) return;
    drained = false;
    await items.insertOne({ after: 'the last look' });
    await pair.source.client.db('shop').createCollection('after');
    const taken = () => running.progress.changes.read > 0;
    await eventually(taken, { what: 'what must not come', deadlineMs: 500 }).catch(() => undefined);
    openBefore = !(await writesAreBlocked(pair.destination.client));
  });
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(running.progress.changes.read, 0);
  assert.equal(openBefore, false, 'the destination was open before the commit was on record');
  const there = pair.destination.client.db('shop');
  assert.equal((await there.listCollections().toArray()).length, 1);
  assert.match(running.progress.warnings.join(), /the source received 2 changes in shop\.items, shop\.after\./);
});

// id: definition-changed-in-pause
test('a definition that another client changes on the destination in the write pause is not committed', {
  skip,
}, async () => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop');
  const there = pair.destination.client.db('shop');
  const changes = [
    {
      change: () => there.collection('items').dropIndex('n_1'),
      undo: () => there.collection('items').createIndex({ n: 1 }),
    },
    {
      change: () => there.command({ collMod: 'items', validator: { n: 2 } }),
      undo: () => there.command({ collMod: 'items', validator: { n: 1 } }),
    },
    {
      change: () => there.dropCollection('all'),
      undo: () => there.createCollection('all', { viewOn: 'items', pipeline: [] }),
    },
  ];
  for (const { change, undo } of changes) {
    await emptyPair(pair);
    await source.createCollection('items', {
      validator: { n: 1 },
      validationLevel: 'strict',
      validationAction: 'error',
    });
    await source.collection('items').insertOne({ n: 1 });
    await source.collection('items').createIndex({ n: 1 });
    await source.createCollection('all', { viewOn: 'items', pipeline: [] });
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using changed = onceAt('engine.cutover.drained', async () => void (await change()));
    running.steering.cutOver();
    await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
    const [attempt] = running.progress.cutoverAttempts;
    assert.ok(changed.result !== undefined);
    assert.deepEqual([attempt?.result, /^shop\.(items|all): /.test(attempt?.reason ?? '')], ['POSTPONED', true]);
    assert.equal(running.progress.cutover?.blocking, false);
    await undo();
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  }
});
