import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopTime } from '../../src/http/index.ts';
import { FakeClock } from '../atlas-api/fake-clock.ts';

/** Occupies the event loop, as parsing does, for so much processor time as the system counts. */
function work(ms: number): void {
  const before = process.threadCpuUsage();
  let tookMicros = 0;
  while (tookMicros < ms * 1_000) {
    const { user, system } = process.threadCpuUsage(before);
    tookMicros = user + system;
  }
}

test('an organization whose work has taken a second of the event loop waits, and no other does', async () => {
  const clock = new FakeClock();
  const loopTime = new LoopTime(clock);
  await loopTime.spend('greedy', () => work(400));
  assert.equal(loopTime.isUsedUp('greedy'), false);
  await assert.rejects(
    loopTime.spend('greedy', () => {
      work(700);
      throw new Error('of the work');
    }),
    /of the work/,
  );
  assert.deepEqual([loopTime.isUsedUp('greedy'), loopTime.isUsedUp('modest')], [true, false]);
  clock.nowMs += 60_000;
  assert.equal(loopTime.isUsedUp('greedy'), false);
});
