import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyCluster } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { interruptCutover } from '../interrupted-cutover.ts';
import { OF_CUTOVER } from '../kill-points.ts';
import { type HeldPoint, holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');
/** Half of all aborts take less, on a busy machine, too. */
const BOUND_MS = 2_000;

test('a cutover can be aborted at each step before its point of no return, within 2 s, and the migration continues', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.createIndex({ n: 1 }, { unique: true });
  await items.insertOne({ n: 0 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const until = OF_CUTOVER.indexOf('engine.cutover.committed');
  const took: number[] = [];
  let n = 0;

  const expectAborted = async (aborting: Promise<void>, atMs: number) => {
    await aborting;
    took.push(performance.now() - atMs);
    n += 1;
    await items.insertOne({ n });
    assert.equal(running.progress.canWrite, false);
    await running.until('the migration to follow again', ({ state, cutoverAttempts }) => {
      return state === 'FOLLOWING' && cutoverAttempts.at(-1)?.result === 'ABORTED';
    });
    await running.untilReady();
  };

  {
    const session = pair.source.client.startSession();
    session.startTransaction();
    await items.insertOne({ n: -1 }, { session });
    running.steering.cutOver();
    await running.until('the wait', ({ cutoverAttempts }) =>
      (cutoverAttempts.at(-1)?.steps.at(-1)?.reason ?? '').includes('a transaction'),
    );
    await expectAborted(running.steering.abortCutover(), performance.now());
    await session.abortTransaction();
    await session.endSession();
  }

  for (const step of ['engine.verify.catalogs-compared', ...OF_CUTOVER.slice(0, until)]) {
    let aborting: Promise<void> | undefined;
    let atMs = 0;
    using _ = onFailpoint(step, () => {
      if (aborting !== undefined || running.migration.wanted !== 'CUTOVER') return;
      atMs = performance.now();
      aborting = running.steering.abortCutover();
    });
    running.steering.cutOver();
    await eventually(() => aborting !== undefined, { what: step });
    await expectAborted(aborting ?? Promise.reject(new Error(step)), atMs);
  }

  const median = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? Infinity;
  assert.ok(median < BOUND_MS, `${took.map(Math.round).join(', ')} ms`);
  await running.steering.abortCutover();
  await running.commit();
  await assert.rejects(running.steering.abortCutover(), { code: 'CUTOVER_COMMITTED' });
  await expectIdentical(pair);
});

test('when an abort and a commit come at the same moment, one wins, and both tell the truth', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  const outcomes = new Set<string>();
  // Turns of the event loop around the moment in which the commit is sent.
  for (const turns of [0, 1, 2, 3, 5, 8, 13, 40, 200, 1_000, 5_000]) {
    if (turns > 40 && outcomes.size === 2) break;
    await pair.source.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
    await emptyCluster(pair.destination.client);
    await items.insertOne({ turns });
    await using running = RunningMigration.start(pair, { migrationId: newId() });
    await running.untilReady();
    let aborting: Promise<string> | undefined;
    using _ = onFailpoint('engine.cutover.announced', () => {
      aborting ??= (async () => {
        for (let turn = 0; turn < turns; turn += 1) await delay(0);
        return await running.steering.abortCutover().then(
          () => 'aborted',
          (error: { readonly code: string }) => error.code,
        );
      })();
    });
    running.steering.cutOver();
    await eventually(() => aborting !== undefined, { what: 'the announcement' });
    const result = (await aborting) ?? '';
    outcomes.add(result);
    if (result === 'aborted') {
      await items.insertOne({ after: turns });
      assert.equal(running.progress.canWrite, false);
      assert.equal(running.migration.wanted, 'RUNNING');
    } else {
      assert.equal(result, 'CUTOVER_COMMITTED');
      assert.equal(await running.outcome, 'COMMITTED');
      await assert.rejects(items.insertOne({}), /User writes blocked/);
    }
  }
  assert.deepEqual([...outcomes].sort(), ['CUTOVER_COMMITTED', 'aborted']);
});

test('an abort is answered when the source is open, also when the engine is stopped meanwhile', { skip }, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 0 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using held = holdAt('engine.cutover.about-to-open');
  using aborted = onceAt('engine.cutover.source-blocked', async () => ({ aborting: running.steering.abortCutover() }));
  running.steering.cutOver();
  await held.reached;
  const { aborting = Promise.reject(new Error('not aborted')) } = (await aborted.result) ?? {};
  const stopped = running.stop();
  await expectOpenAtAnswer(items, aborting, held);
  assert.equal(await stopped, 'STOPPED');
});

test('an abort asked of an engine that was started again after a kill is answered when the source is open', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 0 });
  const migrationId = newId();
  {
    await using running = RunningMigration.start(pair, { migrationId });
    await running.untilReady();
  }
  await interruptCutover(pair, migrationId);
  using held = holdAt('engine.cutover.about-to-open');
  await using running = RunningMigration.start(pair, { migrationId });
  await held.reached;
  await expectOpenAtAnswer(items, running.steering.abortCutover(), held);
  await running.commit();
  await expectIdentical(pair);
});

/** Asserts that an abort waits while the engine is held before it opens the source, and is answered then. */
async function expectOpenAtAnswer(items: Collection, aborting: Promise<void>, held: HeldPoint): Promise<void> {
  let isAnswered = false;
  const answered = aborting.finally(() => {
    isAnswered = true;
  });
  await assert.rejects(items.insertOne({}), /User writes blocked/);
  assert.equal(isAnswered, false, 'the abort was answered while the source is blocked');
  held.release();
  await answered;
  await items.insertOne({ after: 'the abort' });
}
