import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount, formatSeconds } from '../../../src/cli/progress/format.ts';
import { shownBytes } from '../../../src/contract/index.ts';

test('sizes, counts and durations are readable from zero to very large', () => {
  assert.deepEqual([0, 999, 1_000, 85_349_000, 999_600, 12_345_678, 4e15].map(shownBytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '85.3 MB',
    '1.00 MB',
    '12.3 MB',
    '4.00 PB',
  ]);
  assert.equal(formatCount(1_234_567.8), '1,234,568');
  assert.deepEqual([0, 7.4, 750, 11_100].map(formatSeconds), ['0:00', '0:07', '12:30', '3:05:00']);
});
