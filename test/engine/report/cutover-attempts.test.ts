import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CutoverAttempt, dateOf } from '../../../src/contract/index.ts';
import { CUTOVER_STEPS } from '../../../src/engine/records/cutover-attempt.ts';
import { CutoverAttempts } from '../../../src/engine/report/cutover-attempts.ts';
import { systemClock } from '../../../src/platform/index.ts';

test('attempts that stop writes wait longer each time, up to five minutes, and are counted', () => {
  let nowMs = 1_000;
  const attempts = new CutoverAttempts({ ...systemClock, now: () => nowMs, elapsed: () => nowMs });
  const dueAfter = (stoppedMs: number) => {
    attempts.add({ reason: 'a reason', stoppedMs });
    const beganMs = nowMs;
    while (!attempts.isDue) nowMs += 50;
    return nowMs - beganMs;
  };
  assert.equal(attempts.isDue, true);
  assert.equal(attempts.wait, undefined);
  assert.deepEqual([0, 0, 200, 200].map(dueAfter), [250, 500, 1_000, 2_000]);
  assert.equal(dueAfter(60_000), 300_000);
  assert.equal(dueAfter(0), 8_000);
  assert.deepEqual(attempts.wait, {
    for: 'the next attempt to cut over',
    since: dateOf(1_000),
    reason: "a reason (3 of 6 attempts stopped users' writes, for 60.4 s in total)",
  });
  attempts.clear();
  assert.equal(attempts.isDue, true);
  assert.equal(attempts.wait, undefined);
});

test('each millisecond of a cutover belongs to a step with a reason, over attempts and engines', () => {
  let atMs = 1_000;
  // A wall clock that another client sets back changes no duration.
  let wallMs = 50_000;
  const clock = { ...systemClock, now: () => wallMs, elapsed: () => atMs };
  const pass = (ms: number) => {
    atMs += ms;
    wallMs += ms / 2;
  };
  const first = new CutoverAttempts(clock);
  first.note(['the lag is 30 s']);
  pass(1_000);
  first.note(['the lag is 12 s']);
  pass(500);
  first.note([]);
  pass(40);
  first.timeline.begin('block');
  pass(10);
  first.timeline.waitFor({ for: 'the source', since: dateOf(0), reason: 'ECONNREFUSED' });
  first.timeline.count({ applied: 3 });
  pass(190);
  first.add({ reason: 'a reason', stoppedMs: first.timeline.since('block') });
  first.note(['Waiting for the next attempt']);
  pass(5_000);
  first.note([]);
  pass(7);
  const [postponed, current] = first.timeline.attempts;
  assert.deepEqual(
    postponed?.steps.map(({ name, durationMs, reason, counts }) => [name, durationMs, reason, counts]),
    [
      ['readiness', 0, 'it was looked up whether the migration is ready for a cutover', undefined],
      ['readiness', 1_500, 'the lag is 12 s', undefined],
      ['checks', 40, CUTOVER_STEPS.checks, undefined],
      ['block', 200, 'waited for the source: ECONNREFUSED', { applied: 3 }],
    ],
  );
  assert.deepEqual(
    [postponed?.number, postponed?.result, postponed?.reason, postponed?.stoppedMs],
    [1, 'POSTPONED', 'a reason', 200],
  );
  assertNoGap(first.timeline.attempts);
  assert.equal(current?.startedAt, dateOf(50_000 + 1_740));
  assert.deepEqual(
    current.steps.map(({ name, durationMs }) => [name, durationMs]),
    [
      ['readiness', 0],
      ['retry delay', 5_000],
      ['checks', undefined],
    ],
  );

  wallMs = 60_000;
  const record = { requestedAtMs: 0, blocking: false, timeline: first.timeline.attempts };
  const uncommitted = new CutoverAttempts(clock, { ...record, committed: false });
  assert.deepEqual(
    uncommitted.timeline.attempts.map(({ result }) => result),
    ['POSTPONED', 'INTERRUPTED'],
  );
  const committed = new CutoverAttempts(clock, { ...record, committed: true });
  committed.timeline.begin('opening');
  committed.timeline.end('COMMITTED');
  assert.equal(committed.timeline.attempts.at(-1)?.result, 'COMMITTED');
  assertNoGap(committed.timeline.attempts);
});

test('the record of a cutover that is postponed for days stays small', () => {
  const attempts = new CutoverAttempts(systemClock);
  for (let n = 0; n < 500; n += 1) {
    attempts.note(['x'.repeat(100_000)]);
    for (let step = 0; step < 100; step += 1) {
      attempts.timeline.begin('drain');
      attempts.timeline.begin('last look');
    }
    attempts.add({ reason: 'a reason', stoppedMs: 1 });
  }
  assert.equal(attempts.timeline.attempts.at(-1)?.number, 501);
  assert.ok(JSON.stringify(attempts.timeline.attempts).length < 100_000);
});

/** Fails unless each step begins when the one before ends, and each attempt when the one before ends. */
function assertNoGap(attempts: readonly CutoverAttempt[]): void {
  const steps = attempts.flatMap((attempt) => attempt.steps);
  for (const [at, { startedAt, durationMs, reason }] of steps.entries()) {
    assert.notEqual(reason, '');
    const next = steps[at + 1];
    if (next !== undefined) assert.equal(dateOf(Date.parse(startedAt) + (durationMs ?? 0)), next.startedAt);
  }
  for (const { startedAt, steps: own } of attempts) assert.equal(own[0]?.startedAt, startedAt);
}
