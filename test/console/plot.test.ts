import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaPath, linePath, timeTicks, valueTicks } from '../../src/console/charts/plot.ts';
import { Samples } from '../../src/console/charts/samples.ts';

const FRAME = { left: 0, right: 100, top: 0, bottom: 100, fromMs: 0, toMs: 100_000, most: 100 };

test('a line has a gap where a value is unknown, and its area, too', () => {
  const series = { timesMs: [0, 50_000, 60_000, 100_000], values: [0, null, 50, 100] };
  assert.equal(linePath(FRAME, series), 'M0,100.0M60,50.0L100,0.0');
  assert.equal(areaPath(FRAME, series), 'M0,100.0L0,100L0,100ZM60,50.0L100,0.0L100,100L60,100Z');
});

test('a line has a gap where the agent was silent', () => {
  const samples = new Samples('hour');
  const at = [0, 10, 70].map((seconds) => new Date(seconds * 1_000).toISOString());
  samples.addHistory({ at, lagTimeSeconds: [1, 2, 3], changesRead: [], changesApplied: [] } as never);
  assert.deepEqual(
    samples.all.value.map(({ lagSeconds }) => lagSeconds),
    [1, 2, null, 3],
  );
});

test('a month of samples has at most two points a pixel, and its highest value is on the chart', () => {
  const timesMs = Array.from({ length: 43_200 }, (_, at) => (at * 100_000) / 43_200);
  const values = timesMs.map((_, at) => (at === 21_000 ? 100 : 1));
  const path = linePath(FRAME, { timesMs, values });
  const points = path.slice(1).split('L');
  assert.ok(points.length <= 202, `${points.length} points`);
  assert.ok(
    points.some((point) => point.endsWith(',0.0')),
    'the peak',
  );
});

test('the axes have round steps, as many as fit', () => {
  assert.deepEqual(valueTicks(46, 4), [0, 20, 40]);
  assert.deepEqual(valueTicks(1, 4), [0, 1]);
  assert.deepEqual(timeTicks(61_000, 130_000, 3), [90_000, 120_000]);
  assert.deepEqual(timeTicks(0, 2 * 86_400_000, 4), [0, 43_200_000, 86_400_000, 129_600_000, 172_800_000]);
});
