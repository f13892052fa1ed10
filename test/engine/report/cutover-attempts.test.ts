import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CutoverAttempts } from '../../../src/engine/report/cutover-attempts.ts';
import { systemClock } from '../../../src/platform/index.ts';

test('attempts that stop writes wait longer each time, up to five minutes, and are counted', () => {
  let nowMs = 1_000;
  const attempts = new CutoverAttempts({ ...systemClock, now: () => nowMs, elapsed: () => nowMs });
  const dueAfter = (stoppedMs: number) => {
    attempts.add({ reason: 'a reason', stoppedMs });
    const beganMs = nowMs;
    while (!attempts.isDue) nowMs += 500;
    return nowMs - beganMs;
  };
  assert.equal(attempts.isDue, true);
  assert.equal(attempts.wait, undefined);
  assert.deepEqual([0, 200, 200].map(dueAfter), [5_000, 10_000, 20_000]);
  assert.equal(dueAfter(60_000), 300_000);
  assert.equal(dueAfter(0), 80_000);
  assert.deepEqual(attempts.wait, {
    for: 'the next attempt to cut over',
    sinceMs: 1_000,
    reason: "a reason (3 of 5 attempts stopped users' writes, for 60.4 s in total)",
  });
  attempts.clear();
  assert.equal(attempts.isDue, true);
  assert.equal(attempts.wait, undefined);
});
