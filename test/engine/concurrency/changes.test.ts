import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { Changes } from '../../../src/engine/concurrency/changes.ts';
import { systemClock } from '../../../src/platform/index.ts';

const NEVER_MS = 60_000;
const going = new AbortController().signal;

test('those who wait for a condition wake up at the change that makes it true, and at changes of a part', async () => {
  const all = new Changes(systemClock);
  const part = new Changes(systemClock, all);
  let count = 0;
  const ended: string[] = [];
  const wait = async (changes: Changes, name: string, enough: number) => {
    await changes.until(() => count >= enough, going, NEVER_MS);
    ended.push(name);
  };
  const waiting = [wait(all, 'all', 1), wait(part, 'part', 2)];
  count = 1;
  all.notify();
  await waiting[0];
  assert.deepEqual(ended, ['all']);
  const again = wait(all, 'all again', 2);
  count = 2;
  part.notify();
  await Promise.all([...waiting, again]);
  assert.deepEqual(ended.toSorted(), ['all', 'all again', 'part']);
});

test('a condition that depends on the time is evaluated again without a change', async () => {
  let looks = 0;
  const isThirdLook = () => {
    looks += 1;
    return looks === 3;
  };
  await new Changes(systemClock).until(isThirdLook, going, 1);
  assert.equal(looks, 3);
});

test('a wait ends with the reason of its signal', async () => {
  const stop = new AbortController();
  const waiting = new Changes(systemClock).until(() => false, stop.signal, NEVER_MS);
  stop.abort(new Error('over'));
  await assert.rejects(waiting, /over/);
});

test('looks at everything take at most a tenth of the time', async () => {
  let nowMs = 0;
  const sleeps: number[] = [];
  const sleep = async (ms: number) => {
    sleeps.push(ms);
  };
  const changes = new Changes({ ...systemClock, elapsed: () => nowMs, sleep });
  const took = [5, 0, 200];
  for await (const _ of changes.looks(going, 100)) {
    const ms = took.shift();
    if (ms === undefined) break;
    nowMs += ms;
  }
  // Each wait for a change ends at once here. The pauses come after the first look and, no longer than a wait, after the last one.
  assert.deepEqual(sleeps, [100, 45, 100, 100, 100]);
});

test('looks end with their signal', async () => {
  const stop = new AbortController();
  let looks = 0;
  for await (const _ of new Changes(systemClock).looks(stop.signal, NEVER_MS)) {
    looks += 1;
    setImmediate(() => stop.abort());
  }
  assert.equal(looks, 1);
});

test('a signal that outlives many waits keeps none of them', async () => {
  const changes = new Changes(systemClock);
  const { signal } = new AbortController();
  const waiting = Array.from({ length: 100 }, () => changes.next(signal, NEVER_MS));
  assert.equal(getEventListeners(signal, 'abort').length, 100);
  changes.notify();
  await Promise.all(waiting);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
