import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatorWishes } from '../../../src/engine/run/operator-wishes.ts';

test('a changed wish reaches those who follow it at once, a repeated one wakes nobody, and a cancellation stays', () => {
  const wishes = new OperatorWishes();
  const seen: string[] = [];
  const following = wishes.follow(() => seen.push(wishes.current.state));
  assert.deepEqual(seen, ['RUNNING']);
  wishes.change({ state: 'PAUSED' });
  wishes.change({ state: 'PAUSED', dropsConfirmed: undefined });
  assert.deepEqual(seen, ['RUNNING', 'PAUSED']);
  wishes.change({ cancellation: { drop: true } });
  assert.ok(wishes.cancelled.aborted);
  assert.deepEqual([wishes.current.state, wishes.current.cancellation], ['PAUSED', { drop: true }]);
  following[Symbol.dispose]();
  wishes.change({ state: 'RUNNING' });
  assert.deepEqual(seen, ['RUNNING', 'PAUSED', 'PAUSED']);
});
