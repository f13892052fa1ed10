import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteShare } from '../../../src/engine/concurrency/memory-budget.ts';

const never = new AbortController().signal;

test('a share is exceeded by a single holder only, and all requests are granted in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 30 }), async (asked) => {
      const share = new ByteShare(10);
      const admitted: number[] = [];
      let held = 0;
      const hold = async (bytes: number, place: number) => {
        using _ = await share.take(bytes, never);
        admitted.push(place);
        held += bytes;
        assert.ok(held <= 10 || held === bytes, `${held} held`);
        await Promise.resolve();
        held -= bytes;
      };
      await Promise.all(asked.map(hold));
      assert.deepEqual(
        admitted,
        asked.map((_, place) => place),
      );
    }),
  );
});

test('a request that turns out larger delays the others, and a cancelled one frees its place', async () => {
  const share = new ByteShare(10);
  const first = await share.take(1, never);
  first.settle(10);
  const stop = new AbortController();
  const second = share.take(8, stop.signal);
  let third = false;
  const waiting = share.take(2, never).then((held) => {
    third = true;
    return held;
  });
  stop.abort(new Error('given up'));
  await assert.rejects(second, /given up/);
  assert.equal(third, false);
  first.settle(8);
  await waiting;
  assert.equal(third, true);
});
