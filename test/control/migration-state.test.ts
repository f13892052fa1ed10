import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type MigrationEvent,
  type MigrationState,
  type MigrationStatus,
  NEW_MIGRATION,
  transition,
} from '../../src/control/index.ts';

type Outcome = MigrationStatus | 'ignored' | 'refused';
const AT = 1000;
const NOT_READY: MigrationState = { ...NEW_MIGRATION, status: 'WORKING' };
const READY: MigrationState = { ...NOT_READY, readyForCutover: true, readySinceMs: 500 };

const events: Record<string, MigrationEvent> = {
  progress: { kind: 'progress', ready: false, atMs: AT },
  committed: { kind: 'committed', atMs: AT },
  failed: { kind: 'failed', message: 'because', atMs: AT },
  cutover: { kind: 'cutover', atMs: AT },
  expiry: { kind: 'window ran out', atMs: AT },
};

/** Every state and every event: what a client of the API sees afterwards. */
const EXPECTED: Record<MigrationStatus, Record<keyof typeof events, Outcome>> = {
  NEW: { progress: 'WORKING', committed: 'COMPLETE', failed: 'FAILED', cutover: 'refused', expiry: 'ignored' },
  WORKING: { progress: 'WORKING', committed: 'COMPLETE', failed: 'FAILED', cutover: 'WORKING', expiry: 'EXPIRED' },
  COMPLETE: { progress: 'ignored', committed: 'ignored', failed: 'ignored', cutover: 'refused', expiry: 'ignored' },
  FAILED: { progress: 'ignored', committed: 'ignored', failed: 'ignored', cutover: 'refused', expiry: 'ignored' },
  EXPIRED: { progress: 'ignored', committed: 'COMPLETE', failed: 'ignored', cutover: 'refused', expiry: 'ignored' },
};

for (const [status, row] of Object.entries(EXPECTED)) {
  test(`a migration that is ${status} goes where the table says, for every event`, () => {
    const state: MigrationState = { ...READY, status: status as MigrationStatus };
    for (const [name, outcome] of Object.entries(row)) {
      const event = events[name];
      assert.ok(event);
      const next = transition(state, event);
      assert.equal(typeof next === 'string' ? next : next.status, outcome, name);
    }
  });
}

test('a cutover is refused while the migration is not ready, and asking twice changes nothing', () => {
  const cutover: MigrationEvent = { kind: 'cutover', atMs: AT };
  assert.equal(transition(NOT_READY, cutover), 'refused');
  const wanted = transition(READY, cutover);
  assert.ok(typeof wanted !== 'string' && wanted.wanted === 'cutover');
  assert.equal(transition(wanted, cutover), wanted);
  assert.equal(transition(wanted, { kind: 'window ran out', atMs: AT }), 'ignored');
});

test('the window runs from when the migration became ready, and starts again when it was not ready in between', () => {
  const report = (state: MigrationState, ready: boolean, atMs: number) => {
    const next = transition(state, { kind: 'progress', ready, atMs });
    assert.ok(typeof next !== 'string');
    return next;
  };
  const ready = report(NOT_READY, true, 10);
  assert.equal(report(ready, true, 20).readySinceMs, 10);
  const lagging = report(ready, false, 30);
  assert.equal(lagging.readySinceMs, null);
  assert.equal(report(lagging, true, 40).readySinceMs, 40);
});

test('whatever happens in whatever order, an end has a time, a failure its reason, and COMPLETE and FAILED are for ever', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('progress' as const), ready: fc.boolean(), atMs: fc.nat() }),
    fc.record({
      kind: fc.constantFrom('committed' as const, 'cutover' as const, 'window ran out' as const),
      atMs: fc.nat(),
    }),
    fc.record({ kind: fc.constant('failed' as const), message: fc.string(), atMs: fc.nat() }),
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
        assert.equal(state.errorMessage !== null, state.status === 'FAILED');
        if (ended) assert.equal(state.readyForCutover, false);
      }
    }),
  );
});
