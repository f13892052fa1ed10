import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../src/engine/index.ts';
import { hookEvent } from '../../src/hooks/index.ts';
import { failedEvent, type HookNote, hookEventsOf } from '../../src/sync/hook-events.ts';
import { progress } from '../atlas-api/migration-world.ts';

const MINUTE_MS = 60_000;
const READY = { state: 'tailing', readyForCutover: true } as const;

/** A migration whose notes are kept like a process keeps them. */
function watched(before?: HookNote) {
  let note = before;
  return (changes: Partial<Progress>, minutes: number, awaitsCutover = true) => {
    const look = {
      progress: progress('m', changes),
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
  assert.deepEqual(look({ state: 'committed' }, 61, false), ['cut_over']);
  assert.deepEqual(look({ state: 'committed' }, 99, false), []);
});

test('a migration that nobody cuts over by hand is never awaited', () => {
  const look = watched();
  look({}, 0, false);
  assert.deepEqual(look(READY, 1, false), []);
  assert.deepEqual(look(READY, 99, false), []);
});

test('a commit that was on record before the first look is not announced', () => {
  const look = watched();
  assert.deepEqual(look({ state: 'committed' }, 0), []);
});

test('a wait is announced once, and the next one for the same again', () => {
  const look = watched();
  const waiting = (sinceMinutes: number) => ({
    waiting: [{ for: 'the source', sinceMs: sinceMinutes * MINUTE_MS, reason: 'it is out of reach' }],
  });
  assert.deepEqual(look(waiting(1), 15), []);
  assert.deepEqual(look(waiting(1), 16), ['waiting']);
  assert.deepEqual(look(waiting(1), 99), []);
  assert.deepEqual(look({}, 100), []);
  assert.deepEqual(look(waiting(101), 116), ['waiting']);
});

test('a failure has its message, shortened, also when the migration never ran', () => {
  for (const known of [undefined, progress('m')]) {
    const event = failedEvent('m', known, 'x'.repeat(100_000), 0);
    assert.deepEqual(hookEvent.parse(event), event);
    assert.ok(JSON.stringify(event).length < 20_000);
  }
});
