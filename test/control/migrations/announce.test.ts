import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateOf } from '../../../src/contract/index.ts';
import { type MigrationState, NEW_MIGRATION, transition } from '../../../src/control/index.ts';
import { dueAnnouncements } from '../../../src/control/migrations/announce.ts';
import { waitForPlace } from '../../../src/control/migrations/places.ts';
import type { Agent, Migration } from '../../../src/control/records/records.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const BEGIN_MS = Date.UTC(2026, 10, 1, 12);
const WAITING_MS = 15 * MINUTE_MS;

/** A migration whose announcements are kept like the server keeps them. */
class Watched {
  state: MigrationState;
  waits: { for: string; since: string; reason: string }[] = [];

  constructor() {
    const sent = transition(NEW_MIGRATION, { kind: 'order sent' });
    assert.ok(typeof sent !== 'string');
    this.state = sent;
  }

  change(event: Parameters<typeof transition>[1]): this {
    const state = transition(this.state, event);
    assert.ok(typeof state !== 'string', `${event.kind} is ${String(state)}`);
    this.state = state;
    return this;
  }

  ready(atMs: number, ready = true): this {
    return this.change({ kind: 'progress', ready, atMs });
  }

  /** Looks once, as after any restart: all it knows is the record. @returns what is announced */
  look(atMs: number, runningSinceMs = 0): string[] {
    // The record is stored as JSON.
    const { events, announced } = dueAnnouncements(this, { atMs, waitingMs: WAITING_MS, runningSinceMs });
    this.state = JSON.parse(JSON.stringify({ ...this.state, announced }));
    return events.map(({ eventTypeName, details }) => {
      const name = eventTypeName.replace('LIVE_MIGRATION_', '');
      return name === 'WINDOW_ENDING' ? `${name} ${details?.hoursLeft}` : name;
    });
  }

  /** Looks each minute. @returns all that is announced */
  lookUntil(fromMs: number, untilMs: number): string[] {
    const told: string[] = [];
    for (let atMs = fromMs; atMs <= untilMs; atMs += MINUTE_MS) told.push(...this.look(atMs));
    return told;
  }
}

const endsAtMs = BEGIN_MS + 120 * HOUR_MS;
const windowOnly = (told: readonly string[]) => told.filter((one) => one.startsWith('WINDOW'));

test('the end of the cutover window is announced once 24 h and once 1 h before it', () => {
  const migration = new Watched().ready(BEGIN_MS);
  assert.deepEqual(windowOnly(migration.lookUntil(BEGIN_MS, endsAtMs - 24 * HOUR_MS - MINUTE_MS)), []);
  assert.deepEqual(windowOnly(migration.lookUntil(endsAtMs - 24 * HOUR_MS, endsAtMs - HOUR_MS - MINUTE_MS)), [
    'WINDOW_ENDING 24',
  ]);
  assert.deepEqual(windowOnly(migration.lookUntil(endsAtMs - HOUR_MS, endsAtMs + HOUR_MS)), ['WINDOW_ENDING 1']);
});

test('a server that was down at a threshold announces it when it is back, and only the one that still says something', () => {
  const migration = new Watched().ready(BEGIN_MS);
  assert.deepEqual(windowOnly(migration.look(endsAtMs - 30 * MINUTE_MS)), ['WINDOW_ENDING 1']);
  assert.deepEqual(windowOnly(migration.lookUntil(endsAtMs - 29 * MINUTE_MS, endsAtMs)), []);
});

test('a clock that is set back a little repeats nothing, and one that was hours ahead loses nothing', () => {
  const migration = new Watched().ready(BEGIN_MS);
  assert.deepEqual(windowOnly(migration.look(endsAtMs - 24 * HOUR_MS)), ['WINDOW_ENDING 24']);
  assert.deepEqual(windowOnly(migration.look(endsAtMs - 24 * HOUR_MS - 5 * MINUTE_MS)), []);
  assert.deepEqual(windowOnly(migration.look(endsAtMs - 24 * HOUR_MS + MINUTE_MS)), []);
  const ahead = new Watched().ready(BEGIN_MS);
  // The clock was 90 h ahead for a moment.
  assert.deepEqual(windowOnly(ahead.look(endsAtMs - 30 * MINUTE_MS)), ['WINDOW_ENDING 1']);
  assert.deepEqual(windowOnly(ahead.lookUntil(endsAtMs - 60 * HOUR_MS, endsAtMs)), [
    'WINDOW_ENDING 24',
    'WINDOW_ENDING 1',
  ]);
});

test('an operator who extends the window is not warned of the end that they have just chosen', () => {
  const migration = new Watched().ready(BEGIN_MS);
  migration.look(endsAtMs - 30 * MINUTE_MS);
  const atMs = endsAtMs - 20 * MINUTE_MS;
  migration.change({ kind: 'extend', untilMs: atMs + 3 * HOUR_MS, atMs });
  assert.deepEqual(windowOnly(migration.lookUntil(atMs, atMs + HOUR_MS)), []);
  assert.deepEqual(windowOnly(migration.lookUntil(atMs + HOUR_MS, atMs + 3 * HOUR_MS)), ['WINDOW_ENDING 1']);
  const longer = new Watched().ready(BEGIN_MS);
  longer.look(endsAtMs - 30 * MINUTE_MS);
  longer.change({ kind: 'extend', untilMs: atMs + 48 * HOUR_MS, atMs });
  assert.deepEqual(windowOnly(longer.lookUntil(atMs, atMs + 48 * HOUR_MS)), ['WINDOW_ENDING 24', 'WINDOW_ENDING 1']);
});

test('no one is warned of a window after the cutover was requested', () => {
  const migration = new Watched().ready(BEGIN_MS).change({ kind: 'cutover', atMs: BEGIN_MS });
  assert.deepEqual(migration.lookUntil(endsAtMs - 25 * HOUR_MS, endsAtMs + HOUR_MS), []);
});

test('each threshold is announced exactly once whatever restarts and small steps of the clock do in between', () => {
  const look = fc.record({
    minutesLater: fc.integer({ min: 0, max: 90 }),
    clockIsSlow: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(look, { minLength: 200, maxLength: 300 }), (looks) => {
      const migration = new Watched().ready(BEGIN_MS);
      let nowMs = endsAtMs - 26 * HOUR_MS;
      const told: string[] = [];
      for (const { minutesLater, clockIsSlow } of looks) {
        nowMs = Math.min(nowMs + minutesLater * MINUTE_MS, endsAtMs - MINUTE_MS);
        told.push(...windowOnly(migration.look(nowMs - clockIsSlow * MINUTE_MS)));
      }
      told.push(...windowOnly(migration.look(endsAtMs - MINUTE_MS)));
      const once = [['WINDOW_ENDING 24', 'WINDOW_ENDING 1'], ['WINDOW_ENDING 1']];
      assert.ok(
        once.some((expected) => JSON.stringify(expected) === JSON.stringify(told)),
        told.join(),
      );
    }),
  );
});

test('a migration that is ready and that no one cuts over is announced once for each time that it stays ready', () => {
  const migration = new Watched().ready(BEGIN_MS);
  assert.deepEqual(migration.lookUntil(BEGIN_MS, BEGIN_MS + 14 * MINUTE_MS), []);
  migration.ready(BEGIN_MS + 14 * MINUTE_MS);
  assert.deepEqual(migration.lookUntil(BEGIN_MS + 15 * MINUTE_MS, BEGIN_MS + HOUR_MS), ['CUTOVER_AWAITED']);
  migration.ready(BEGIN_MS + HOUR_MS, false);
  assert.deepEqual(migration.look(BEGIN_MS + HOUR_MS), []);
  migration.ready(BEGIN_MS + 2 * HOUR_MS);
  assert.deepEqual(migration.lookUntil(BEGIN_MS + 2 * HOUR_MS, BEGIN_MS + 3 * HOUR_MS), ['CUTOVER_AWAITED']);
  migration.change({ kind: 'pause', atMs: BEGIN_MS + 3 * HOUR_MS });
  assert.deepEqual(migration.lookUntil(BEGIN_MS + 3 * HOUR_MS, BEGIN_MS + 4 * HOUR_MS), []);
});

test('a wait is announced once when it is long enough, and another wait for the same is another one', () => {
  const migration = new Watched();
  const wait = (sinceMs: number) => ({ for: 'the source', since: dateOf(sinceMs), reason: 'it is out of reach' });
  migration.waits = [wait(BEGIN_MS)];
  assert.deepEqual(migration.lookUntil(BEGIN_MS, BEGIN_MS + 14 * MINUTE_MS), []);
  assert.deepEqual(migration.lookUntil(BEGIN_MS + 15 * MINUTE_MS, BEGIN_MS + HOUR_MS), ['WAITING']);
  migration.waits = [];
  assert.deepEqual(migration.look(BEGIN_MS + HOUR_MS), []);
  migration.waits = [wait(BEGIN_MS + HOUR_MS)];
  assert.deepEqual(migration.lookUntil(BEGIN_MS + HOUR_MS, BEGIN_MS + 2 * HOUR_MS), ['WAITING']);
});

test('a wait for a place on an agent is no fault, so nothing is announced however long it takes', () => {
  const migration = new Watched();
  migration.waits = [
    waitForPlace({ host: 'host-1', createdAtMs: BEGIN_MS } as Migration, { maxMigrations: 3 } as Agent),
  ];
  assert.deepEqual(migration.lookUntil(BEGIN_MS, BEGIN_MS + 48 * HOUR_MS), []);
});

test('a server that was down does not blame agents for the time in which they could not report', () => {
  const migration = new Watched();
  migration.waits = [{ for: 'the agent on host-1', since: dateOf(BEGIN_MS), reason: 'it has not reported since.' }];
  const startedMs = BEGIN_MS + HOUR_MS;
  assert.deepEqual(migration.look(startedMs, startedMs), []);
  assert.deepEqual(migration.look(startedMs + 14 * MINUTE_MS, startedMs), []);
  assert.deepEqual(migration.look(startedMs + 15 * MINUTE_MS, startedMs), ['WAITING']);
  assert.deepEqual(migration.look(startedMs + 2 * HOUR_MS, startedMs + 2 * HOUR_MS), []);
});
