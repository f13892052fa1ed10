import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../src/agent/backoff.ts';

test('the delay grows with each failure up to a limit, is random below it, and starts over after a success', () => {
  const longest = new Backoff(500, 30_000, () => 1);
  assert.deepEqual(
    Array.from({ length: 8 }, () => longest.failed()),
    [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
  );
  longest.succeeded();
  assert.deepEqual([longest.failures, longest.failed()], [0, 500]);
  const shortest = new Backoff(500, 30_000, () => 0);
  assert.equal(shortest.failed(), 50, 'never at once: a refused connection fails in no time');
  for (let failure = 0; failure < 2_000; failure += 1) assert.ok(Number.isFinite(shortest.failed()));
});
