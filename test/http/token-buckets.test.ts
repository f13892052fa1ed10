import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBuckets } from '../../src/http/index.ts';
import type { Clock } from '../../src/platform/index.ts';

const SIZE = { capacity: 3, refill: 6, periodSeconds: 60 };

function fakeClock(): Clock & { nowMs: number } {
  const clock = {
    nowMs: 1_790_000_000_000,
    now: () => clock.nowMs,
    elapsed: () => clock.nowMs,
    sleep: async () => undefined,
    timeout: () => new AbortController().signal,
  };
  return clock;
}

test('a scope may send as many requests at once as its capacity, and more as its bucket refills', () => {
  const clock = fakeClock();
  const buckets = new TokenBuckets(clock);
  const remaining = () => buckets.take('a', SIZE).remaining;
  assert.deepEqual([remaining(), remaining(), remaining()], [2, 1, 0]);
  assert.deepEqual(buckets.take('a', SIZE), { allowed: false, remaining: 0, retryAfterSeconds: 10 });
  assert.equal(buckets.take('b', SIZE).allowed, true);
  clock.nowMs += 9_000;
  assert.deepEqual(buckets.take('a', SIZE), { allowed: false, remaining: 0, retryAfterSeconds: 1 });
  clock.nowMs += 1_000;
  assert.equal(buckets.take('a', SIZE).allowed, true);
  clock.nowMs += 3_600_000;
  assert.equal(buckets.take('a', SIZE).remaining, 2);
});

test('waiting for the announced time is always enough, and a bucket never grants more than its capacity and refill', () => {
  const size = fc.record({ capacity: fc.integer({ min: 1, max: 50 }), refill: fc.integer({ min: 1, max: 50 }) });
  const pauses = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(size, pauses, ({ capacity, refill }, steps) => {
      const clock = fakeClock();
      const began = clock.nowMs;
      const buckets = new TokenBuckets(clock);
      const bucket = { capacity, refill, periodSeconds: 60 };
      let allowed = 0;
      for (const pauseMs of steps) {
        clock.nowMs += pauseMs;
        if (buckets.take('a', bucket).allowed) allowed += 1;
      }
      assert.ok(allowed <= capacity + ((clock.nowMs - began) * refill) / 60_000 + 1e-6);
      const { retryAfterSeconds } = buckets.take('a', bucket);
      clock.nowMs += retryAfterSeconds * 1000;
      assert.equal(buckets.take('a', bucket).allowed, true);
    }),
  );
});

test('the least recently used buckets are forgotten first', () => {
  const buckets = new TokenBuckets(fakeClock(), 2);
  for (const key of ['a', 'b', 'a', 'c']) buckets.take(key, SIZE);
  assert.equal(buckets.take('a', SIZE).remaining, 0);
  assert.equal(buckets.take('b', SIZE).remaining, 2);
});
