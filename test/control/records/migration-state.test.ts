import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MigrationStatus } from '../../../src/contract/index.ts';
import { type MigrationEvent, type MigrationState, NEW_MIGRATION, transition } from '../../../src/control/index.ts';

type Outcome = MigrationStatus | 'ignored' | 'refused';
const AT = 1_000_000_000;
const ERROR = { code: 'DESTINATION_NOT_EMPTY', message: 'Not empty.', remedy: 'Empty it.' };
const HOUR_MS = 3_600_000;
const NOT_READY: MigrationState = { ...NEW_MIGRATION, status: 'WORKING' };
const READY: MigrationState = { ...NOT_READY, readyForCutover: true, windowEndsAtMs: AT };

const events: Record<string, MigrationEvent> = {
  'order sent': { kind: 'order sent' },
  progress: { kind: 'progress', ready: false, atMs: AT },
  committed: { kind: 'committed', atMs: AT },
  failed: { kind: 'failed', error: ERROR, atMs: AT },
  cancelled: { kind: 'cancelled', atMs: AT },
  cutover: { kind: 'cutover', atMs: AT - 1 },
  abort: { kind: 'abort cutover', atMs: AT },
  rehearsal: { kind: 'rehearse', atMs: AT - 1 },
  pause: { kind: 'pause', atMs: AT },
  resume: { kind: 'resume', atMs: AT },
  cancel: { kind: 'cancel', dropCopied: true, atMs: AT },
  level: { kind: 'load level', level: 1, atMs: AT },
  rate: { kind: 'copy rate', megabytesPerSecond: 5, atMs: AT },
  'confirm drops': { kind: 'confirm drops', atMs: AT },
  extension: { kind: 'extend', untilMs: AT + 5, atMs: AT - 1 },
  revoked: { kind: 'revoked', error: ERROR, atMs: AT },
  reverse: { kind: 'reverse', atMs: AT },
  finish: { kind: 'finish', atMs: AT },
  expiry: { kind: 'window ran out', atMs: AT },
};

const ENDED: Record<keyof typeof events, Outcome> = {
  'order sent': 'ignored',
  progress: 'ignored',
  committed: 'ignored',
  failed: 'ignored',
  cancelled: 'ignored',
  cutover: 'refused',
  abort: 'refused',
  rehearsal: 'refused',
  pause: 'refused',
  resume: 'refused',
  cancel: 'refused',
  level: 'refused',
  rate: 'refused',
  'confirm drops': 'refused',
  extension: 'refused',
  revoked: 'ignored',
  reverse: 'refused',
  finish: 'refused',
  expiry: 'ignored',
};

/** The status that a client of the API sees after each event in each state. */
const EXPECTED: Record<MigrationStatus, Record<keyof typeof events, Outcome>> = {
  NEW: {
    'order sent': 'NEW',
    progress: 'WORKING',
    committed: 'COMPLETE',
    failed: 'FAILED',
    cancelled: 'FAILED',
    cutover: 'refused',
    abort: 'NEW',
    rehearsal: 'refused',
    pause: 'NEW',
    resume: 'NEW',
    cancel: 'FAILED',
    level: 'NEW',
    rate: 'NEW',
    'confirm drops': 'NEW',
    extension: 'refused',
    revoked: 'FAILED',
    reverse: 'refused',
    finish: 'refused',
    expiry: 'ignored',
  },
  WORKING: {
    'order sent': 'WORKING',
    progress: 'WORKING',
    committed: 'COMPLETE',
    failed: 'FAILED',
    cancelled: 'FAILED',
    cutover: 'WORKING',
    abort: 'WORKING',
    rehearsal: 'WORKING',
    pause: 'WORKING',
    resume: 'WORKING',
    cancel: 'WORKING',
    level: 'WORKING',
    rate: 'WORKING',
    'confirm drops': 'WORKING',
    extension: 'WORKING',
    revoked: 'FAILED',
    reverse: 'refused',
    finish: 'refused',
    expiry: 'EXPIRED',
  },
  COMPLETE: ENDED,
  FAILED: ENDED,
  EXPIRED: { ...ENDED, committed: 'COMPLETE' },
};

for (const [status, row] of Object.entries(EXPECTED)) {
  test(`a migration that is ${status} has the state that the table names after every event`, () => {
    const state: MigrationState = { ...READY, status: status as MigrationStatus };
    for (const [name, outcome] of Object.entries(row)) {
      const event = events[name];
      assert.ok(event);
      const next = transition(state, event);
      assert.equal(typeof next === 'string' ? next : next.status, outcome, name);
    }
  });
}

/** Returns the state after an event. Fails when the event is ignored or refused. */
function after(state: MigrationState, event: MigrationEvent): MigrationState {
  const next = transition(state, event);
  assert.ok(typeof next !== 'string', `${event.kind} was ${next}`);
  return next;
}

test('an aborted cutover is wanted no more, and can be requested again; a cancellation can not be aborted', () => {
  const requested = after(READY, { kind: 'cutover', atMs: AT - 1 });
  const aborted = after(requested, { kind: 'abort cutover', atMs: AT });
  assert.deepEqual([aborted.order.wanted, aborted.order.abort], ['RUNNING', AT]);
  assert.equal(after(aborted, { kind: 'cutover', atMs: AT - 1 }).order.wanted, 'CUTOVER');
  assert.equal(after(aborted, { kind: 'committed', atMs: AT }).status, 'COMPLETE');
  const cancelled = after(READY, { kind: 'cancel', dropCopied: false, atMs: AT });
  assert.equal(transition(cancelled, { kind: 'abort cutover', atMs: AT }), 'refused');
  assert.equal(transition(requested, { kind: 'rehearse', atMs: AT }), 'refused');
});

test('a cutover is refused while the migration is not ready, and a second request changes nothing', () => {
  const cutover: MigrationEvent = { kind: 'cutover', atMs: AT - 1 };
  assert.equal(transition(NOT_READY, cutover), 'refused');
  const wanted = after(READY, cutover);
  assert.equal(wanted.order.wanted, 'CUTOVER');
  assert.equal(transition(wanted, cutover), wanted);
  assert.equal(transition(wanted, { kind: 'window ran out', atMs: AT }), 'ignored');
});

test('the window does not end a migration that may have committed', () => {
  const aborted = after(after(READY, { kind: 'cutover', atMs: AT - 1 }), { kind: 'abort cutover', atMs: AT - 1 });
  const expiry = { kind: 'window ran out', atMs: AT } as const;
  assert.equal(transition(aborted, { ...expiry, mayBeCommitted: true }), 'ignored');
  assert.equal(after(aborted, { ...expiry, mayBeCommitted: false }).status, 'EXPIRED');
});

test('the window lasts 120 hours from the first readiness, regardless of the lag', () => {
  const ready = after(NOT_READY, { kind: 'progress', ready: true, atMs: 10 });
  const endsAtMs = 10 + 120 * HOUR_MS;
  assert.equal(ready.windowEndsAtMs, endsAtMs);
  const lagging = after(ready, { kind: 'progress', ready: false, atMs: 30 });
  const again = after(lagging, { kind: 'progress', ready: true, atMs: 40 });
  assert.equal(again.windowEndsAtMs, endsAtMs);
  assert.equal(transition(again, { kind: 'window ran out', atMs: endsAtMs - 1 }), 'ignored');
  assert.equal(
    transition(again, { kind: 'cutover', atMs: endsAtMs }),
    'refused',
    'too late, although the end is not recorded yet',
  );
  assert.equal(after(again, { kind: 'window ran out', atMs: endsAtMs }).status, 'EXPIRED');
});

test('a window can be extended but not shortened, and is never reopened', () => {
  const extend = (untilMs: number, atMs = AT - 1) => transition(READY, { kind: 'extend', untilMs, atMs });
  const longer = after(READY, { kind: 'extend', untilMs: AT + 7, atMs: AT - 1 });
  assert.equal(longer.windowEndsAtMs, AT + 7);
  assert.deepEqual(extend(AT - 1), READY);
  assert.equal(extend(AT + 7, AT), 'refused');
  assert.equal(transition(NOT_READY, { kind: 'extend', untilMs: AT, atMs: 1 }), 'refused');
});

test('a paused migration resumes on request and cannot be cut over before; decisions are final', () => {
  const paused = after(READY, { kind: 'pause', atMs: 1 });
  assert.equal(paused.order.wanted, 'PAUSED');
  assert.equal(transition(paused, { kind: 'cutover', atMs: 2 }), 'refused');
  assert.equal(after(paused, { kind: 'resume', atMs: 2 }).order.wanted, 'RUNNING');
  const cutOver = after(READY, { kind: 'cutover', atMs: 1 });
  const cancelled = after(READY, { kind: 'cancel', dropCopied: false, atMs: 1 });
  for (const decided of [cutOver, cancelled]) {
    for (const kind of ['pause', 'resume'] as const) assert.equal(transition(decided, { kind, atMs: 2 }), 'refused');
    assert.equal(transition(decided, { kind: 'extend', untilMs: AT * 2, atMs: 2 }), 'refused');
    assert.equal(transition(decided, { kind: 'window ran out', atMs: AT }), 'ignored');
  }
  assert.equal(transition(cancelled, { kind: 'cutover', atMs: 2 }), 'refused');
  assert.equal(after(cutOver, { kind: 'cancel', dropCopied: false, atMs: 2 }).order.wanted, 'CANCELLED');
});

test('a cancellation waits for the agent once the order was sent', () => {
  const cancel: MigrationEvent = { kind: 'cancel', dropCopied: false, atMs: 1 };
  const { status, order } = after(after(NEW_MIGRATION, { kind: 'order sent' }), cancel);
  assert.deepEqual([status, order.wanted], ['NEW', 'CANCELLED']);
});

test('a cancelled migration reports what happened to the copied data, and a request to drop it is final', () => {
  const cancel = (state: MigrationState, dropCopied: boolean) => after(state, { kind: 'cancel', dropCopied, atMs: 1 });
  const given = (state: MigrationState) => after(state, { kind: 'cancelled', atMs: 2 });
  assert.match(given(cancel(READY, false)).error?.message ?? '', /cancelled; the copied data stays/);
  const dropping = cancel(cancel(READY, true), false);
  assert.match(given(dropping).error?.message ?? '', /cancelled; the copied data was dropped/);
});

test('after any sequence of events an end has a time, a failure has a reason, and COMPLETE and FAILED are final', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('progress' as const), ready: fc.boolean(), atMs: fc.nat() }),
    fc.record({
      kind: fc.constantFrom(...(['committed', 'cancelled', 'cutover', 'pause', 'resume', 'window ran out'] as const)),
      atMs: fc.nat(),
    }),
    fc.record({ kind: fc.constant('cancel' as const), dropCopied: fc.boolean(), atMs: fc.nat() }),
    fc.record({ kind: fc.constant('extend' as const), untilMs: fc.nat(), atMs: fc.nat() }),
    fc.record({ kind: fc.constant('failed' as const), error: fc.constant(ERROR), atMs: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(event), (history) => {
      let state = NEW_MIGRATION;
      for (const each of history) {
        const next = transition(state, each);
        if (typeof next === 'string') continue;
        assert.ok(state.status !== 'COMPLETE' && state.status !== 'FAILED');
        state = next;
        const ended = state.status !== 'NEW' && state.status !== 'WORKING';
        assert.equal(state.endedAtMs !== null, ended);
        assert.equal(state.error !== null, state.status === 'FAILED');
        if (ended) assert.equal(state.readyForCutover, false);
      }
    }),
  );
});
