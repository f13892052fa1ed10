import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CutoverAttempt } from '../../../src/contract/index.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'it has no write block');

/** More than a busy machine takes between a request and its first step, and less than the delay between two attempts. */
const TOLERATED_MS = 3_000;
/** Times of steps are whole milliseconds. */
const ROUNDED_MS = 1;

test('a cutover accounts for all of its time, and says what it waited for, also after a restart', {
  skip,
}, async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertOne({ n: 1 });
  await items.createIndex({ n: 1 }, { unique: true });
  const migrationId = newId();
  await using running = RunningMigration.start(pair, { migrationId });
  await running.untilReady();
  const session = pair.source.client.startSession();
  session.startTransaction();
  await items.insertOne({ n: 2, in: 'a transaction' }, { session });
  const requestedAtMs = Date.now();
  running.steering.cutOver();
  await running.until('the obstacle to be told', ({ cutoverAttempts }) => {
    const step = cutoverAttempts.at(-1)?.steps.at(-1);
    return step?.name === 'obstacles' && step.reason.includes('a transaction');
  });
  await items.insertOne({ n: 3, while: 'it waits' });
  await session.commitTransaction();
  await session.endSession();
  assert.equal(await running.outcome, 'COMMITTED');

  running.steering.cutOver(); // As an agent repeats an order.
  const { cutoverAttempts, since } = running.progress;
  // On a busy machine an attempt may be postponed before.
  const attempt = cutoverAttempts.at(-1);
  assert.equal(attempt?.result, 'COMMITTED');
  assertAccounted(cutoverAttempts, requestedAtMs, Date.parse(since ?? ''));
  const names = attempt.steps.map(({ name }) => name).filter((name) => name !== 'retry delay');
  const all = cutoverAttempts.flatMap(({ steps }) => steps);
  assert.ok(all.some(({ name, reason }) => name === 'obstacles' && reason.includes('a transaction')));
  assert.deepEqual(names, [
    'readiness',
    'checks',
    'catch up',
    'accounts',
    'capped order',
    'watchdog',
    'obstacles',
    'claim',
    'block',
    'drain',
    'capped collections',
    'last look',
    'announcement',
    'commit',
    'index restoration',
    'opening',
    'unique conversion',
    'adoption',
    'watch',
  ]);
  const told = attempt.steps.map(({ reason }) => reason).join('; ');
  assert.doesNotMatch(told, /users and roles (were )?(migrated|recorded)/);
  const at = (name: string) => attempt.steps.findIndex((step) => step.name === name);
  const stopped = attempt.steps.slice(at('block'), at('unique conversion'));
  const stoppedMs = stopped.reduce((sum, { durationMs = Number.NaN }) => sum + durationMs, 0);
  assert.ok(Math.abs(stoppedMs - (attempt.stoppedMs ?? Number.NaN)) <= 2, `${stoppedMs} ms, not ${attempt.stoppedMs}`);

  await using again = RunningMigration.start(pair, { migrationId });
  assert.equal(await again.outcome, 'COMMITTED');
  assert.deepEqual(again.progress.cutoverAttempts, cutoverAttempts);
});

test('an attempt whose engine ended shows so, and the next engine begins another one', { skip }, async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({ n: 1 });
  const migrationId = newId();
  {
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    let stopped: Promise<unknown> | undefined;
    using _ = onFailpoint('engine.cutover.drained', async () => {
      stopped ??= first.stop();
    });
    first.steering.cutOver();
    await eventually(() => stopped !== undefined, { what: 'the drain' });
    await stopped;
  }
  await using second = RunningMigration.start(pair, { migrationId });
  await second.commit();
  // On a busy machine an attempt may be postponed before.
  const [interrupted, last] = second.progress.cutoverAttempts.filter(({ result }) => result !== 'POSTPONED');
  assert.deepEqual([interrupted?.result, last?.result], ['INTERRUPTED', 'COMMITTED']);
  assert.ok(interrupted?.steps.some(({ name }) => name === 'block'));
});

/** Fails unless the steps leave no gap between both times. */
function assertAccounted(attempts: readonly CutoverAttempt[], fromMs: number, toMs: number): void {
  const steps = attempts.flatMap((attempt) => attempt.steps);
  let atMs = fromMs;
  for (const { startedAt, durationMs = Number.NaN } of steps) {
    const startedAtMs = Date.parse(startedAt);
    assert.ok(
      Math.abs(startedAtMs - atMs) <= (atMs === fromMs ? TOLERATED_MS : ROUNDED_MS),
      `${startedAtMs - atMs} ms belong to no step`,
    );
    atMs = startedAtMs + durationMs;
  }
  assert.ok(toMs - atMs <= TOLERATED_MS, `${toMs - atMs} ms at the end belong to no step`);
}
