import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MigrationState } from '../../../src/contract/index.ts';
import {
  CUTOVER_TRANSITIONS,
  type CutoverEvent,
  type CutoverStep,
  cutoverStepOf,
  MIGRATION_TRANSITIONS,
  type MigrationEvent,
  stateAfter,
  stepAfter,
} from '../../../src/engine/records/migration-lifecycle.ts';

/** Random numbers. Each chooses one of the events that are possible at its turn. */
const sequences = fc.array(fc.nat(), { maxLength: 60 });

function possible<Event extends string>(row: Readonly<Record<Event, string>>): Event[] {
  return (Object.keys(row) as Event[]).filter((event) => row[event] !== 'impossible');
}

test('a migration takes the state that the table names, keeps its end, and can be cancelled or fail in every other state', () => {
  const reached = new Set<MigrationState>(['CREATED']);
  const property = fc.property(sequences, (choices) => {
    let now: MigrationState = 'CREATED';
    for (const choice of choices) {
      const events = possible<MigrationEvent>(MIGRATION_TRANSITIONS[now]);
      const event = events[choice % events.length];
      if (event === undefined) break;
      const next = stateAfter(now, event);
      const outcome: string = MIGRATION_TRANSITIONS[now][event];
      assert.equal(next, outcome === 'ignored' ? now : outcome);
      if (now === 'COMMITTED' || now === 'CANCELLED') assert.equal(next, now);
      else assert.deepEqual([stateAfter(now, 'cancelled'), stateAfter(now, 'failed')], ['CANCELLED', 'FAILED']);
      now = next;
      reached.add(now);
    }
  });
  fc.assert(property, { numRuns: 1_000 });
  assert.deepEqual([...reached].sort(), Object.keys(MIGRATION_TRANSITIONS).sort());
  assert.throws(() => stateAfter('COMMITTED', 'cancelled'), /COMMITTED/);
});

test('no way leads from a rehearsal to a commit: it is left only with the source open, for a cutover that begins anew', () => {
  const rehearsing: readonly CutoverStep[] = ['rehearsing', 'rehearsal blocking', 'rehearsal blocked'];
  for (const step of rehearsing) {
    assert.throws(() => stepAfter(step, 'committed'), /committed can't happen/);
    for (const event of possible<CutoverEvent>(CUTOVER_TRANSITIONS[step])) {
      const next = stepAfter(step, event);
      assert.ok(
        rehearsing.includes(next) || (step === 'rehearsing' && event === 'begun' && next === 'draining'),
        event,
      );
    }
  }
  const record = { requestedAtMs: 0, committed: false, rehearsing: true };
  assert.deepEqual(
    [{ blocking: false }, { blocking: true }, { blocking: true, sourceBlockedAtMs: 1 }].map((fields) =>
      cutoverStepOf({ ...record, ...fields }),
    ),
    rehearsing,
  );
  // The code of a rehearsal doesn't even know what commits.
  const source = readFileSync(new URL('../../../src/engine/cutover/rehearse.ts', import.meta.url), 'utf8');
  assert.doesNotMatch(
    source,
    /\b(?:commit|sendCommit|announceCommit|confirmClaim|stop)\(|cut-over\.ts|commit-once\.ts/,
  );
});

test('a cutover commits once, never opens the source past its commit, and opens the destination only then', () => {
  const property = fc.property(sequences, (choices) => {
    let now: CutoverStep = 'none';
    let isCommitted = false;
    for (const choice of choices) {
      const events = possible<CutoverEvent>(CUTOVER_TRANSITIONS[now]);
      const event = events[choice % events.length];
      if (event === undefined) break;
      now = stepAfter(now, event);
      if (isCommitted) assert.ok(event !== 'source opened' && event !== 'block announced' && event !== 'begun');
      if (event === 'committed') isCommitted = true;
      if (event === 'destination opened') assert.ok(isCommitted);
      assert.equal(isCommitted, now === 'committed' || now === 'open');
    }
  });
  fc.assert(property, { numRuns: 1_000 });
  assert.throws(() => stepAfter('committed', 'source opened'), /committed/);
});

test('the step of a cutover is read from its record, so that a successor continues there', () => {
  const record = { requestedAtMs: 1, blocking: false, committed: false };
  assert.deepEqual(
    [
      undefined,
      record,
      { ...record, blocking: true },
      { ...record, blocking: true, sourceBlockedAtMs: 2 },
      { ...record, blocking: true, sourceBlockedAtMs: 2, committed: true },
      { ...record, blocking: true, committed: true, canWriteAtMs: 3 },
    ].map(cutoverStepOf),
    ['none', 'draining', 'blocking', 'blocked', 'committed', 'open'],
  );
});
