import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Binary, UUID } from 'mongodb';
import type { PartitionRecord } from '../../../src/engine/records/records.ts';
import { coverAll, planRanges } from '../../../src/engine/verify/verified-ranges.ts';

const u = new UUID();
const key = (n: number) => new Binary(Buffer.of(16, n));

function partition(n: number, low: Binary | null, high: Binary): PartitionRecord {
  return { _id: { m: 'm', u, n }, low, high, lastId: null, documents: 0, bytes: 0, done: true };
}

test('the ranges of a comparison cover keys before and behind those that were copied', () => {
  const ranges = planRanges('m', u, [partition(0, null, key(1)), partition(1, key(1), key(2))]);
  assert.deepEqual(
    ranges.map(({ low, high }) => [low?.toString('hex') ?? null, high?.toString('hex') ?? null]),
    [
      [null, '1001'],
      ['1001', null],
    ],
  );
  assert.deepEqual(
    planRanges('m', u, []).map(({ low, high }) => [low, high]),
    [[null, null]],
  );
});

test('ranges of which some are missing, as after a kill, do not count', () => {
  const ranges = planRanges(
    'm',
    u,
    [1, 2, 3, 4].map((n) => partition(n - 1, n === 1 ? null : key(n - 1), key(n))),
  );
  assert.equal(coverAll(ranges), true);
  for (const left of ranges) assert.equal(coverAll(ranges.filter((range) => range !== left)), false);
  assert.equal(coverAll([]), false);
});
