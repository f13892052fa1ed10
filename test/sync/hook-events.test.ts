import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateOf, type Progress } from '../../src/contract/index.ts';
import { hookEvent } from '../../src/hooks/index.ts';
import { UserError } from '../../src/platform/index.ts';
import { failedEvent, type HookNote, hookEventsOf } from '../../src/sync/hook-events.ts';
import { progress } from '../atlas-api/migration-world.ts';

const MINUTE_MS = 60_000;
const READY = { state: 'FOLLOWING', readyForCutover: true } as const;

/** A migration whose notes are kept like a process keeps them. */
function watched(before?: HookNote) {
  let note = before;
  return (
    changes: Partial<Progress>,
    minutes: number,
    awaitsCutover = true,
    direction: { readonly reversals: number; readonly failback?: Progress } = { reversals: 0 },
  ) => {
    const look = {
      progress: progress('m', changes),
      ...direction,
      awaitsCutover,
      waitingMs: 15 * MINUTE_MS,
      atMs: minutes * MINUTE_MS,
    };
    const { events, note: next } = hookEventsOf(note, look);
    note = JSON.parse(JSON.stringify(next));
    for (const event of events) assert.deepEqual(hookEvent.parse(event), event);
    return events.map(({ type }) => type.replace('migration.', ''));
  };
}

test('a stand-alone migration announces its readiness, the wait for a person and its commit once each', () => {
  const look = watched();
  assert.deepEqual(look({}, 0), []);
  assert.deepEqual(look(READY, 1), ['ready']);
  assert.deepEqual(look(READY, 15), []);
  assert.deepEqual(look(READY, 16), ['cutover_awaited']);
  assert.deepEqual(look({ ...READY, readyForCutover: false }, 17), []);
  assert.deepEqual(look(READY, 18), []);
  assert.deepEqual(look(READY, 33), ['cutover_awaited']);
  assert.deepEqual(look(READY, 60, false), []);
  assert.deepEqual(look({ state: 'COMMITTED' }, 61, false), ['cut_over']);
  assert.deepEqual(look({ state: 'COMMITTED' }, 99, false), []);
});

test('a migration that no one cuts over by hand is never awaited', () => {
  const look = watched();
  look({}, 0, false);
  assert.deepEqual(look(READY, 1, false), []);
  assert.deepEqual(look(READY, 99, false), []);
});

test('a commit that was on record before the first look is not announced', () => {
  const look = watched();
  assert.deepEqual(look({ state: 'COMMITTED' }, 0), []);
});

test('a failed failback is announced once, and again after it has followed', () => {
  const look = watched({ cutOvers: 1 });
  const error = { code: 'MISSING_PRIVILEGE', message: 'Lacks a privilege.', remedy: 'Grant it.' };
  const failed = { reversals: 0, failback: progress('m', { state: 'FAILED', error }) };
  const follows = { reversals: 0, failback: progress('m', { state: 'FOLLOWING' }) };
  const committed = { state: 'COMMITTED' } as const;
  assert.deepEqual(look(committed, 1, false, failed), ['failback_failed']);
  assert.deepEqual(look(committed, 2, false, failed), []);
  assert.deepEqual(look(committed, 3, false, follows), []);
  assert.deepEqual(look(committed, 4, false, failed), ['failback_failed']);
});

test('a wait is announced once, and the next one for the same again', () => {
  const look = watched();
  const waiting = (sinceMinutes: number) => ({
    waiting: [{ for: 'the source', since: dateOf(sinceMinutes * MINUTE_MS), reason: 'it is out of reach' }],
  });
  assert.deepEqual(look(waiting(1), 15), []);
  assert.deepEqual(look(waiting(1), 16), ['waiting']);
  assert.deepEqual(look(waiting(1), 99), []);
  assert.deepEqual(look({}, 100), []);
  assert.deepEqual(look(waiting(101), 116), ['waiting']);
});

test('a process that starts after a reversal shows the earlier cutover for a moment, which is not announced again', () => {
  const look = watched();
  look(READY, 0);
  assert.deepEqual(look({ state: 'COMMITTED' }, 1, false), ['cut_over']);
  assert.deepEqual(look({ state: 'FOLLOWING' }, 2, true, { reversals: 1 }), []);
  assert.deepEqual(look({ state: 'COMMITTED' }, 3, false), []);
  assert.deepEqual(look({ state: 'FOLLOWING' }, 4, true, { reversals: 1 }), []);
  assert.deepEqual(look({ state: 'COMMITTED' }, 5, false, { reversals: 1 }), ['cut_over']);
});

test('a failback that is ready is announced once for each cutover, also when it was requested before', () => {
  const look = watched();
  const following = (reversals: number, readyForCutover: boolean) => ({
    reversals,
    failback: progress('m', { state: 'FOLLOWING', readyForCutover }),
  });
  const COMMITTED = { state: 'COMMITTED' } as const;
  look(READY, 0);
  assert.deepEqual(look(COMMITTED, 1, false), ['cut_over']);
  assert.deepEqual(look(COMMITTED, 2, false, following(0, false)), []);
  assert.deepEqual(look(COMMITTED, 3, false, following(0, true)), ['reverse_ready']);
  assert.deepEqual(look(COMMITTED, 4, false, following(0, false)), []);
  assert.deepEqual(look(COMMITTED, 5, false, following(0, true)), []);
  assert.deepEqual(look(READY, 6, true, { reversals: 1 }), [], 'it is the same failback');
  assert.deepEqual(look(COMMITTED, 7, false, { reversals: 1 }), ['cut_over']);
  assert.deepEqual(look({ state: 'FOLLOWING' }, 8, true, { reversals: 2 }), [], 'requested before it was ready');
  assert.deepEqual(look(READY, 9, true, { reversals: 2 }), ['reverse_ready']);
  assert.deepEqual(look(COMMITTED, 10, false, { reversals: 2 }), ['cut_over']);
  assert.deepEqual(
    look({ state: 'COMMITTING' }, 11, false, { reversals: 3 }),
    ['reverse_ready'],
    'ready between looks',
  );
  assert.deepEqual(look({ state: 'COMMITTING' }, 12, false, { reversals: 3 }), []);
});

test('a failback that is ready names the side that has the users', () => {
  const READY_BACK = { reversals: 0, failback: progress('m', READY) };
  const [committed, requested] = [{ state: 'COMMITTED' } as const, READY];
  const sideOf = (
    changes: Partial<Progress>,
    direction: { readonly reversals: number; readonly failback?: Progress },
  ) => {
    const look = { progress: progress('m', changes), ...direction, awaitsCutover: false, waitingMs: 1, atMs: 0 };
    return hookEventsOf({ cutOvers: 1 }, look).events.map(({ data }) => 'activeSide' in data && data.activeSide);
  };
  assert.deepEqual(sideOf(committed, READY_BACK), ['DESTINATION']);
  assert.deepEqual(sideOf(requested, { reversals: 1 }), ['SOURCE']);
});

test('a failure has its message, shortened, also when the migration never ran', () => {
  for (const known of [undefined, progress('m')]) {
    const event = failedEvent('m', known, new UserError('INTERNAL_ERROR', ['x'.repeat(100_000)]), 0);
    assert.deepEqual(hookEvent.parse(event), event);
    assert.ok(JSON.stringify(event).length < 20_000);
  }
});
