import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amended, FIRST_ORDER } from '../../../src/contract/index.ts';
import { FollowedOrder } from '../../../src/engine/run/followed-order.ts';

test('a changed order reaches those who follow it at once, a repeated one wakes no one, and a cancellation stays', () => {
  const order = new FollowedOrder();
  const seen: string[] = [];
  const following = order.onChange(() => seen.push(order.current.wanted));
  assert.deepEqual(seen, ['RUNNING']);
  const paused = amended(FIRST_ORDER, { wanted: 'PAUSED' });
  order.follow(paused);
  order.follow({ ...paused });
  assert.deepEqual(seen, ['RUNNING', 'PAUSED']);
  order.follow(amended(paused, { wanted: 'CANCELLED', drop: true }));
  assert.ok(order.cancelled.aborted);
  order.follow(amended(paused, { wanted: 'RUNNING' }));
  assert.deepEqual([order.current.wanted, order.current.drop], ['CANCELLED', true]);
  following[Symbol.dispose]();
  order.follow(amended(paused, { loadLevel: 1 }));
  assert.deepEqual(seen, ['RUNNING', 'PAUSED', 'CANCELLED']);
});

test('an order without the cutover calls it off before it is followed, and the next cutover begins anew', () => {
  const order = new FollowedOrder();
  const wanted = amended(FIRST_ORDER, { wanted: 'CUTOVER' });
  order.follow(wanted);
  const first = order.calledOff;
  let wasOff = false;
  using _ = order.onChange(() => {
    wasOff = first.aborted;
  });
  order.follow(amended(wanted, { wanted: 'RUNNING', abort: 1 }));
  assert.ok(wasOff, 'those who follow the order saw it before its signal');
  order.follow(wanted);
  assert.equal(order.calledOff.aborted, false);
});

test('a cancellation calls off the cutover that is wanted, and the rehearsals that were', () => {
  const order = new FollowedOrder();
  order.follow(amended(FIRST_ORDER, { rehearsal: 1 }));
  const first = order.rehearsalOff;
  order.follow(amended(order.current, { rehearsal: 2 }));
  order.follow(amended(order.current, { wanted: 'CUTOVER' }));
  order.follow(amended(order.current, { wanted: 'CANCELLED', drop: true }));
  assert.ok(order.calledOff.aborted && first.aborted);
});
