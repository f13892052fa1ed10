import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { amended } from '../../../src/contract/index.ts';
import {
  isFinishing,
  type MigrationEvent,
  type MigrationState,
  NEW_MIGRATION,
  transition,
} from '../../../src/control/index.ts';

const AT = 1_000_000_000;
const ERROR = { code: 'LINK_REVOKED', message: 'It was revoked.', remedy: 'Link it again.' };

/** The states of a reversible migration, in the order of its life. */
const BEGUN: MigrationState = { ...NEW_MIGRATION, status: 'WORKING', failback: 'PLANNED', readyForCutover: true };
const FOLLOWED: MigrationState = { ...NEW_MIGRATION, status: 'COMPLETE', failback: 'FOLLOWING', failbackSinceMs: 1 };
const REVERSED: MigrationState = ordered(BEGUN, { direction: 1 });
const STATES = {
  begun: BEGUN,
  followed: FOLLOWED,
  'failback failed': { ...FOLLOWED, failback: 'FAILED' },
  finishing: ordered(FOLLOWED, { finish: 0 }),
  reversed: REVERSED,
  returning: ordered(REVERSED, { wanted: 'CUTOVER' }),
  'giving up': ordered(REVERSED, { finish: 0 }),
  back: ordered(FOLLOWED, { direction: 1 }),
  closed: { ...FOLLOWED, failback: 'CLOSED', endedAtMs: 5 },
  lost: { ...FOLLOWED, failback: 'LOST', endedAtMs: 5, error: ERROR },
} as const satisfies Record<string, MigrationState>;

const progress = (reversals: number): MigrationEvent => ({ kind: 'progress', ready: true, atMs: AT, reversals });
const committed = (reversals: number, failback: 'FOLLOWING' | 'FAILED' | 'CLOSED'): MigrationEvent => ({
  kind: 'committed',
  atMs: AT,
  reversals,
  failback,
});

const EVENTS = {
  'progress of 0': progress(0),
  'progress of 1': progress(1),
  'cutover of 0': committed(0, 'FOLLOWING'),
  'cutover of 0, failed': committed(0, 'FAILED'),
  'cutover of 0, closed': committed(0, 'CLOSED'),
  'cutover of 1': committed(1, 'FOLLOWING'),
  'cutover of 1, closed': committed(1, 'CLOSED'),
  failed: { kind: 'failed', error: ERROR, atMs: AT },
  cancelled: { kind: 'cancelled', atMs: AT },
  revoked: { kind: 'revoked', error: ERROR, atMs: AT },
  reverse: { kind: 'reverse', atMs: AT },
  finish: { kind: 'finish', atMs: AT },
  cutover: { kind: 'cutover', atMs: AT },
  pause: { kind: 'pause', atMs: AT },
  cancel: { kind: 'cancel', dropCopied: true, atMs: AT },
  'confirm drops': { kind: 'confirm drops', atMs: AT },
  extend: { kind: 'extend', untilMs: AT + 5, atMs: AT },
  expiry: { kind: 'window ran out', atMs: AT },
} as const satisfies Record<string, MigrationEvent>;

function ordered(state: MigrationState, change: Parameters<typeof amended>[1]): MigrationState {
  return { ...state, order: amended(state.order, change) };
}

/** The status, direction and failback of a state; `refused` and `ignored` stay as they are. */
function told(next: MigrationState | 'ignored' | 'refused'): string {
  if (typeof next === 'string') return next;
  return `${next.status} ${next.order.direction} ${isFinishing(next) ? 'FINISHING' : next.failback}`;
}

const NOTHING = 'ignored';
const EXPECTED: Record<keyof typeof STATES, readonly string[]> = {
  begun: [
    'WORKING 0 PLANNED',
    'WORKING 1 PLANNED',
    'COMPLETE 0 FOLLOWING',
    'COMPLETE 0 FAILED',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'FAILED 0 CLOSED',
    'FAILED 0 CLOSED',
    'FAILED 0 CLOSED',
    'refused',
    'refused',
    'WORKING 0 PLANNED',
    'WORKING 0 PLANNED',
    'WORKING 0 PLANNED',
    'WORKING 0 PLANNED',
    'refused',
    NOTHING,
  ],
  followed: [
    'COMPLETE 0 PREPARING',
    'WORKING 1 PLANNED',
    'COMPLETE 0 FOLLOWING',
    'COMPLETE 0 FAILED',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'COMPLETE 0 FAILED',
    NOTHING,
    'COMPLETE 0 LOST',
    'WORKING 1 PLANNED',
    'COMPLETE 0 FINISHING',
    'refused',
    'refused',
    'refused',
    'COMPLETE 0 FOLLOWING',
    'refused',
    NOTHING,
  ],
  'failback failed': [
    'COMPLETE 0 FAILED',
    'WORKING 1 PLANNED',
    'COMPLETE 0 FOLLOWING',
    'COMPLETE 0 FAILED',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'COMPLETE 0 FAILED',
    NOTHING,
    'COMPLETE 0 LOST',
    'refused',
    'COMPLETE 0 FINISHING',
    'refused',
    'refused',
    'refused',
    'COMPLETE 0 FAILED',
    'refused',
    NOTHING,
  ],
  finishing: [
    'COMPLETE 0 FINISHING',
    'WORKING 1 FINISHING',
    'COMPLETE 0 FINISHING',
    'COMPLETE 0 FINISHING',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'COMPLETE 0 FINISHING',
    NOTHING,
    'COMPLETE 0 LOST',
    'refused',
    'COMPLETE 0 FINISHING',
    'refused',
    'refused',
    'refused',
    'COMPLETE 0 FINISHING',
    'refused',
    NOTHING,
  ],
  reversed: [
    NOTHING,
    'WORKING 1 PLANNED',
    NOTHING,
    'COMPLETE 0 FAILED',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'FAILED 1 LOST',
    'WORKING 1 PLANNED',
    'FAILED 1 LOST',
    'WORKING 1 PLANNED',
    'WORKING 1 FINISHING',
    'WORKING 1 PLANNED',
    'WORKING 1 PLANNED',
    'refused',
    'WORKING 1 PLANNED',
    'refused',
    NOTHING,
  ],
  returning: [
    NOTHING,
    'WORKING 1 PLANNED',
    NOTHING,
    'COMPLETE 0 FAILED',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'FAILED 1 LOST',
    'WORKING 1 PLANNED',
    'FAILED 1 LOST',
    'WORKING 1 PLANNED',
    'refused',
    'WORKING 1 PLANNED',
    'refused',
    'refused',
    'WORKING 1 PLANNED',
    'refused',
    NOTHING,
  ],
  'giving up': [
    NOTHING,
    'WORKING 1 FINISHING',
    NOTHING,
    'COMPLETE 0 FINISHING',
    'COMPLETE 0 CLOSED',
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'FAILED 1 LOST',
    'WORKING 1 FINISHING',
    'FAILED 1 LOST',
    'refused',
    'WORKING 1 FINISHING',
    'refused',
    'refused',
    'refused',
    'WORKING 1 FINISHING',
    'refused',
    NOTHING,
  ],
  back: [
    NOTHING,
    'COMPLETE 1 PREPARING',
    NOTHING,
    NOTHING,
    NOTHING,
    'COMPLETE 1 FOLLOWING',
    'COMPLETE 1 CLOSED',
    'COMPLETE 1 FAILED',
    NOTHING,
    'COMPLETE 1 LOST',
    'WORKING 2 PLANNED',
    'COMPLETE 1 FINISHING',
    'refused',
    'refused',
    'refused',
    'COMPLETE 1 FOLLOWING',
    'refused',
    NOTHING,
  ],
  closed: [...Array(10).fill(NOTHING), 'refused', 'COMPLETE 0 CLOSED', ...Array(5).fill('refused'), NOTHING],
  lost: [...Array(10).fill(NOTHING), ...Array(7).fill('refused'), NOTHING],
};

for (const [name, row] of Object.entries(EXPECTED)) {
  test(`a reversible migration that is ${name} has the direction and failback that the table names after every event`, () => {
    const state = STATES[name as keyof typeof STATES];
    const found = Object.entries(EVENTS).map(([event, each]) => `${event}: ${told(transition(state, each))}`);
    assert.deepEqual(
      found,
      Object.keys(EVENTS).map((event, n) => `${event}: ${row[n]}`),
    );
  });
}

test('a finish is about one cutover: after a later one the failback is as reported', () => {
  const { finishing, 'giving up': givingUp } = STATES;
  assert.equal(told(transition(finishing, progress(2))), 'WORKING 2 PLANNED');
  assert.equal(told(transition(givingUp, progress(2))), 'WORKING 2 PLANNED');
  assert.equal(told(transition(givingUp, committed(1, 'FAILED'))), 'COMPLETE 1 FAILED');
  assert.equal(
    told(transition(givingUp, { ...committed(1, 'FOLLOWING'), failbackReady: true } as MigrationEvent)),
    'COMPLETE 1 FOLLOWING',
  );
});

test('the first direction alone has a cutover window', () => {
  const first = transition({ ...BEGUN, readyForCutover: false }, progress(0));
  assert.ok(typeof first !== 'string' && first.windowEndsAtMs !== null);
  const second = transition({ ...REVERSED, windowEndsAtMs: null }, progress(1));
  assert.ok(typeof second !== 'string');
  assert.deepEqual([second.windowEndsAtMs, second.readyForCutover], [null, true]);
  const turned = transition({ ...FOLLOWED, windowEndsAtMs: 5 }, EVENTS.reverse);
  assert.ok(typeof turned !== 'string');
  assert.equal(turned.windowEndsAtMs, null);
});

test('a failback that is ready is noted once for each cutover', () => {
  let state: MigrationState = BEGUN;
  const noted = (event: MigrationEvent) => {
    const next = transition(state, JSON.parse(JSON.stringify(event)));
    assert.ok(typeof next !== 'string', event.kind);
    const isNew = next.failbackReadyAfter !== state.failbackReadyAfter;
    state = JSON.parse(JSON.stringify(next));
    return isNew ? next.failbackReadyAfter : 'no';
  };
  const follows = (reversals: number, failbackReady: boolean): MigrationEvent => ({
    kind: 'committed',
    atMs: AT,
    reversals,
    failback: 'FOLLOWING',
    failbackReady,
  });
  assert.equal(noted(follows(0, false)), 'no');
  assert.equal(noted(follows(0, true)), 0);
  assert.equal(noted(follows(0, false)), 'no');
  assert.equal(noted(committed(0, 'FAILED')), 'no');
  assert.equal(noted(follows(0, true)), 'no', 'its engine runs again');
  assert.equal(noted(EVENTS.reverse), 'no');
  assert.equal(noted(EVENTS['cutover of 0, failed']), 'no', 'the engine had not begun the reversal');
  assert.equal(noted(follows(0, true)), 'no');
  assert.equal(noted(EVENTS.reverse), 'no');
  assert.equal(noted(progress(1)), 'no', 'it is the same failback');
  assert.equal(noted(follows(1, true)), 1, 'a cutover, whose failback is ready in the same report');
  assert.equal(noted(EVENTS.reverse), 'no');
  assert.equal(noted(follows(2, false)), 'no');
  assert.equal(noted(EVENTS.reverse), 'no');
  assert.equal(noted({ ...progress(3), ready: false } as MigrationEvent), 'no', 'requested before it was ready');
  assert.equal(noted(progress(3)), 2);
});

test('no one is told of a failback that is about to be closed', () => {
  for (const [before, event] of [
    [STATES.finishing, { ...committed(0, 'FOLLOWING'), failbackReady: true }],
    [STATES['giving up'], progress(1)],
  ] as readonly (readonly [MigrationState, MigrationEvent])[]) {
    const next = transition(before, event);
    assert.ok(typeof next !== 'string');
    assert.equal(next.failbackReadyAfter, undefined);
  }
});

test('after any sequence of events the direction never goes back after its cutover, and an end is final', () => {
  const reports = fc.record({
    kind: fc.constant('committed' as const),
    atMs: fc.nat(),
    reversals: fc.nat({ max: 3 }),
    failback: fc.constantFrom('FOLLOWING' as const, 'FAILED' as const, 'CLOSED' as const),
    failbackReady: fc.boolean(),
  });
  const seen = fc.record({
    kind: fc.constant('progress' as const),
    ready: fc.boolean(),
    atMs: fc.nat(),
    reversals: fc.nat({ max: 3 }),
  });
  const bootstrapping = fc.record({
    kind: fc.constantFrom('reverse' as const, 'finish' as const, 'cutover' as const, 'pause' as const),
    atMs: fc.nat(),
  });
  const ends = fc.record({
    kind: fc.constantFrom('failed' as const, 'revoked' as const),
    error: fc.constant(ERROR),
    atMs: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(reports, seen, bootstrapping, ends)), (history) => {
      let state: MigrationState = { ...NEW_MIGRATION, failback: 'PLANNED' };
      let cutOver = -1;
      for (const each of history) {
        const next = transition(state, each);
        if (typeof next === 'string' || next === state) continue;
        assert.equal(state.endedAtMs, null, 'an end is final');
        const { failbackReadyAfter: told = -1 } = state;
        state = next;
        const { order, failbackReadyAfter: ready = -1 } = state;
        assert.ok(order.direction >= cutOver, 'a direction that has cut over stays cut over');
        assert.ok(ready >= told, 'a failback is announced once');
        if (state.status === 'COMPLETE') cutOver = order.direction;
        assert.ok(ready <= Math.max(cutOver, order.direction - 1), 'only a cutover has a failback');
        const isFollowed = ['PREPARING', 'FOLLOWING', 'FAILED'].includes(state.failback ?? '');
        assert.equal(isFollowed, state.status === 'COMPLETE' && state.endedAtMs === null);
        assert.equal(['CLOSED', 'LOST'].includes(state.failback ?? ''), state.endedAtMs !== null);
      }
    }),
  );
});
