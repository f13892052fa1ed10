import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Throttle } from '../../../src/engine/concurrency/throttle.ts';
import { systemClock } from '../../../src/platform/index.ts';

const never = new AbortController().signal;

test('a limited copy causes no warning of Node.js, however short the wait', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on('warning', note);
  let at = 0;
  // A millisecond goes by at each look at the clock, so that the last look before a wait may be past its end.
  const clock = { ...systemClock, elapsed: () => at++ };
  const throttle = new Throttle(2_000, clock);
  for (let n = 0; n < 20; n += 1) await throttle.take(n % 8, never);
  const warned = once(process, 'warning');
  process.emitWarning('the last one', 'End');
  await warned;
  process.off('warning', note);
  assert.deepEqual(warnings, ['End']);
});
