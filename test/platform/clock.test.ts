import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '../../src/platform/index.ts';

test('a sleep ends after its time or when its signal aborts, and leaves no listener', async () => {
  const stop = new AbortController();
  await systemClock.sleep(1, stop.signal);
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  const long = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await long;
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  await systemClock.sleep(60_000, stop.signal);
});
