import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DialPurpose, DialSlots } from '../../src/destination/dial-slots.ts';
import { checkForLeaks } from '../support/leak-check.ts';

checkForLeaks();

const LIMITS = { inAll: 3, perOrganization: 2, perProject: 1, waitingPerProject: 2, longestWaitMs: 60_000 };
const never = new AbortController().signal;

/** Takes slots, and records who got one, in order. */
function taking(slots: DialSlots) {
  const began: string[] = [];
  return {
    began,
    /** @param who  organization and project, such as `a1` */
    take: async (who: string, purpose: DialPurpose = 'registration', signal = never) => {
      const slot = await slots.take({ orgId: who.slice(0, 1), groupId: who }, purpose, signal);
      began.push(who);
      return slot;
    },
  };
}

/** Runs everything that is ready to run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('tenants and their projects have limits of slots, independent of each other', async () => {
  const took = taking(new DialSlots(LIMITS));
  const first = await took.take('a1');
  const rest = ['a1', 'a2', 'a3', 'b1'].map((who) => took.take(who));
  await settle();
  assert.deepEqual(took.began, ['a1', 'a2', 'b1']);
  // The next slot goes to the organization's other project, which has none, although a1 asked first.
  (await rest[1])?.[Symbol.dispose]();
  await settle();
  assert.deepEqual(took.began.slice(3), ['a3']);
  first[Symbol.dispose]();
  await settle();
  assert.deepEqual(took.began.slice(4), ['a1']);
});

test('when all slots are taken, the next free one goes to the tenant with the fewest', async () => {
  const took = taking(new DialSlots({ ...LIMITS, perProject: 3, perOrganization: 3 }));
  const [slot] = await Promise.all(['a1', 'a1', 'a1'].map((who) => took.take(who)));
  const stop = new AbortController();
  const waiting = ['a1', 'a1', 'b1'].map((who) => took.take(who, 'registration', stop.signal));
  await settle();
  slot?.[Symbol.dispose]();
  await settle();
  assert.equal(took.began.at(-1), 'b1');
  stop.abort();
  await Promise.allSettled(waiting);
});

test('within a project, a request with a waiting user goes before repeated checks', async () => {
  const took = taking(new DialSlots(LIMITS));
  const slot = await took.take('a1');
  void took.take('a1', 'background').then(() => took.began.push('was background'));
  void took.take('a1').then((next) => next[Symbol.dispose]());
  await settle();
  slot[Symbol.dispose]();
  await settle();
  assert.deepEqual(took.began, ['a1', 'a1', 'a1', 'was background']);
});

test("a project's registrations beyond a few waiting ones are refused at once; repeated checks wait", async () => {
  const took = taking(new DialSlots(LIMITS));
  const slot = await took.take('a1');
  const stop = new AbortController();
  const waiting = [1, 2].map(() => took.take('a1', 'registration', stop.signal));
  const background = [1, 2, 3].map(() => took.take('a1', 'background', stop.signal));
  await assert.rejects(took.take('a1'), { code: 'DESTINATION_NOT_CHECKED' });
  stop.abort(new Error('stopped'));
  for (const each of [...waiting, ...background]) await assert.rejects(each, /stopped/);
  // An aborted request takes no slot later.
  slot[Symbol.dispose]();
  await took.take('a1');
  assert.equal(took.began.length, 2);
});

test('a registration does not wait longer than its limit', async () => {
  const took = taking(new DialSlots({ ...LIMITS, longestWaitMs: 1 }));
  await took.take('a1');
  await assert.rejects(took.take('a1'), { code: 'DESTINATION_NOT_CHECKED' });
});
