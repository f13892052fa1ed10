import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';

test('an aborted wait fails with the reason, and asks no more', async () => {
  const over = new AbortController();
  let asked = 0;
  const waiting = eventually(() => ++asked < 0, { what: 'nothing', pollMs: 60_000, signal: over.signal });
  over.abort(new Error('it is over'));
  await assert.rejects(waiting, /^Error: it is over$/);
  assert.equal(asked, 1);
});
