import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../../src/contract/index.ts';
import { Speed } from '../../../src/engine/report/speed.ts';
import { copied, snapshot, tailing } from '../../cli/progress/snapshots.ts';

/** @returns what is said after each of these snapshots */
function speeds(...series: readonly (readonly [seconds: number, Progress])[]) {
  const speed = new Speed();
  return series.map(([seconds, progress]) => {
    speed.add(progress, seconds * 1_000);
    return [speed.rates.bytesPerSecond, speed.etaSeconds];
  });
}

test('a copy shows its rate and the remaining time, once it was measured long enough', () => {
  const said = speeds([0, copied(0)], [1, copied(500_000)], [4, copied(1_000_000)], [10, copied(2_000_000)]);
  assert.deepEqual(said, [
    [null, null],
    [null, null],
    [250_000, null],
    [200_000, 10],
  ]);
});

test('the rate is that of the last minute: a stall shows, and so does the end of one', () => {
  const speed = new Speed();
  const until = (from: number, to: number, bytesAt: (second: number) => number) => {
    for (let second = from; second <= to; second += 1) speed.add(copied(bytesAt(second)), second * 1_000);
    return [speed.rates.bytesPerSecond, speed.etaSeconds];
  };
  assert.deepEqual(
    until(0, 20, (second) => second * 100_000),
    [100_000, 20],
  );
  assert.deepEqual(
    until(21, 90, () => 2_000_000),
    [0, null],
  );
  assert.equal(until(91, 160, (second) => 2_000_000 + (second - 90) * 10_000)[0], 10_000);
});

test('the time until the destination has caught up follows from how fast the lag falls', () => {
  const said = speeds(
    [0, tailing({ lagSeconds: 60 })],
    [10, tailing({ lagSeconds: 40 })],
    [14, tailing({ lagSeconds: 70 })],
    [15, tailing({ lagSeconds: 1, readyForCutover: true })],
  );
  assert.deepEqual(
    said.map(([, eta]) => eta),
    [null, 20, null, null],
    'a growing lag has no end, and one that is small enough is not waited for',
  );
});

test('no rate is negative when a collection is dropped with what was copied and compared of it', () => {
  const speed = new Speed();
  for (const [second, done] of [0, 1000, 2000, 3000, 500, 600, 700, 800].entries()) {
    const { copy, verification } = snapshot();
    const compared = { ...verification, documentsCompared: done, bytesCompared: done };
    speed.add(snapshot({ copy: { ...copy, bytesCopied: done }, verification: compared }), second * 1_000);
    for (const rate of [speed.rates.bytesPerSecond, ...Object.values(speed.verificationRates)])
      assert.ok(rate === null || rate >= 0, `${rate} after ${second} s`);
  }
  assert.equal(speed.rates.bytesPerSecond, 100);
});

test('another phase, or a declared restart, begins without an earlier rate', () => {
  const restarted = snapshot({ copy: { ...snapshot().copy, bytesCopied: 0, restarts: 1 } });
  const said = speeds([0, copied(0)], [4, copied(4_000_000)], [5, restarted], [6, tailing()]);
  assert.deepEqual(
    said.map(([rate]) => rate),
    [null, 1_000_000, null, null],
  );
});
