import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../../src/platform/index.ts';

test('a count of one takes the singular, zero and others the plural', () => {
  assert.deepEqual(
    [0, 1, 2, 1_234].map((count) => counted(count, 'view')),
    ['0 views', '1 view', '2 views', '1,234 views'],
  );
  assert.equal(counted(1, 'index', 'indexes'), '1 index');
  assert.equal(counted(3, 'index', 'indexes'), '3 indexes');
});
