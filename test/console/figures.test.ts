import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratesOf, type Sample } from '../../src/console/charts/samples.ts';
import { duration, percent, rate, shortDuration, utcTime } from '../../src/console/format.ts';
import { wholePercents } from '../../src/console/panels/whole-percents.ts';
import { shownBytes } from '../../src/contract/index.ts';

test('figures are short, in binary units, and never claim more than there is', () => {
  assert.deepEqual([0, 59.9, 61, 660, 6130, 187_200].map(duration), [
    '0 s',
    '59 s',
    '1 min 1 s',
    '11 min',
    '1 h 42 min',
    '2 d 4 h',
  ]);
  assert.deepEqual([84.4, 1240, 64_000].map(shortDuration), ['84 ms', '1.24 s', '1 min 4 s']);
  assert.equal(percent(999_999, 1_000_000), 99, 'not 100 before all is done');
  assert.equal(percent(0, 0), undefined);
  assert.deepEqual([rate(null), rate(5213.7), rate(2048, shownBytes)], ['–', '5,214/s', '2.05 kB/s']);
});

test('a time is in UTC, and has its date unless it is today', () => {
  const now = Date.parse('2026-11-27T23:59:00Z');
  assert.equal(utcTime('2026-11-27T07:41:02Z', now), '07:41:02');
  assert.equal(utcTime('2026-11-26T07:41:02Z', now), '2026-11-26 07:41:02');
});

test('rates of changes are averages of ten seconds, and unknown where an agent begins to count anew', () => {
  const samples: Sample[] = [0, 5, 10, 15, 20].map((second) => ({
    atMs: second * 1000,
    lagSeconds: 0,
    read: second < 20 ? second * 100 : 0,
    applied: second * 50,
  }));
  assert.deepEqual(ratesOf(samples, 'read'), [null, 100, 100, 100, null]);
  assert.deepEqual(ratesOf(samples, 'applied'), [null, 50, 50, 50, 50]);
});

test('shares of a whole are rounded to percents whose sum is 100', () => {
  assert.deepEqual(wholePercents([1 / 3, 1 / 3, 1 / 3]), [34, 33, 33]);
  assert.deepEqual(wholePercents([0.217, 0.094, 0.608, 0, 0.081]), [22, 9, 61, 0, 8]);
  assert.deepEqual(wholePercents([0.994, 0.003, 0.003]), [100, 0, 0]);
  assert.deepEqual(wholePercents([1, 0]), [100, 0]);
});
