import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitTimes } from '../../../src/engine/concurrency/wait-times.ts';

function measured() {
  let nowMs = 0;
  const times = new WaitTimes({ elapsed: () => nowMs });
  return {
    times,
    pass: (ms: number) => {
      nowMs += ms;
    },
    wait: (what: Parameters<WaitTimes['during']>[0]) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waited = times.during(what, promise);
      const end = async (settle: () => void) => {
        settle();
        await waited.catch(() => undefined);
      };
      return { end: () => end(resolve), fail: () => end(() => reject(new Error('refused'))) };
    },
  };
}

test('each moment counts once, divided evenly among the tasks that wait then', async () => {
  const { times, pass, wait } = measured();
  pass(100);
  const read = wait('source');
  pass(10);
  const writes = [wait('destination'), wait('destination'), wait('destination')];
  pass(20);
  await read.end();
  pass(30);
  for (const write of writes) await write.end();
  pass(1_000);
  assert.deepEqual(times.totals, { source: 10 + 5, destination: 15 + 30, throttle: 0, memory: 0 });
});

test('a wait counts while it lasts, and until its work fails', async () => {
  const { times, pass, wait } = measured();
  const throttled = wait('throttle');
  pass(40);
  assert.equal(times.totals.throttle, 40);
  pass(2);
  await throttled.fail();
  pass(1_000);
  assert.equal(times.totals.throttle, 42);
});
