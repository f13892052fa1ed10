import type { MigrationState } from '../../contract/index.ts';
import type { CutoverRecord } from './records.ts';

/** Events of a migration. */
export type MigrationEvent =
  | 'preparation begun'
  /** Happens again when an engine resumes the migration. */
  | 'copy begun'
  | 'caught up'
  | 'paused'
  | 'copy resumed'
  | 'tail resumed'
  | 'cutover begun'
  /** The attempt ended with the source open again. */
  | 'cutover postponed'
  /** After a failure past the point of no return. */
  | 'finish resumed'
  | 'finished'
  | 'cancelled'
  | 'failed';

/** The next state. `ignored`: the event changes nothing. `impossible`: the engine has a bug. */
type Outcome<State> = State | 'ignored' | 'impossible';

const NOTHING: Readonly<Record<MigrationEvent, Outcome<MigrationState>>> = {
  'preparation begun': 'impossible',
  'copy begun': 'impossible',
  'caught up': 'impossible',
  paused: 'impossible',
  'copy resumed': 'impossible',
  'tail resumed': 'impossible',
  'cutover begun': 'impossible',
  'cutover postponed': 'impossible',
  'finish resumed': 'impossible',
  finished: 'impossible',
  cancelled: 'CANCELLED',
  failed: 'FAILED',
};

/** Every state × event. docs/reference/lifecycles.md is generated from it. */
export const MIGRATION_TRANSITIONS: Readonly<
  Record<MigrationState, Readonly<Record<MigrationEvent, Outcome<MigrationState>>>>
> = {
  CREATED: { ...NOTHING, 'preparation begun': 'PREPARING', 'copy begun': 'COPYING' },
  PREPARING: { ...NOTHING, 'preparation begun': 'PREPARING', 'copy begun': 'COPYING' },
  COPYING: { ...NOTHING, 'copy begun': 'COPYING', 'caught up': 'FOLLOWING', paused: 'PAUSED' },
  // `sync --once` ends without a cutover.
  FOLLOWING: {
    ...NOTHING,
    'copy begun': 'COPYING',
    paused: 'PAUSED',
    'cutover begun': 'COMMITTING',
    finished: 'COMMITTED',
  },
  PAUSED: { ...NOTHING, 'copy begun': 'COPYING', 'copy resumed': 'COPYING', 'tail resumed': 'FOLLOWING' },
  COMMITTING: { ...NOTHING, 'copy begun': 'COPYING', 'cutover postponed': 'FOLLOWING', finished: 'COMMITTED' },
  FAILED: {
    ...NOTHING,
    'preparation begun': 'PREPARING',
    'copy begun': 'COPYING',
    'finish resumed': 'COMMITTING',
  },
  COMMITTED: { ...NOTHING, cancelled: 'impossible', failed: 'ignored' },
  CANCELLED: { ...NOTHING, cancelled: 'ignored', failed: 'ignored' },
};

/** Returns the state after an event. @throws Error for an event that can't happen in this state */
export function stateAfter(now: MigrationState, event: MigrationEvent): MigrationState {
  return outcomeOf(now, event, MIGRATION_TRANSITIONS[now][event]);
}

/** The progress of a cutover. */
export type CutoverStep =
  | 'none'
  | 'draining'
  | 'blocking'
  | 'blocked'
  | 'rehearsing'
  | 'rehearsal blocking'
  | 'rehearsal blocked'
  | 'committed'
  | 'open';

/** Steps of a cutover. The engine records each one before it acts on it. */
export type CutoverEvent =
  | 'begun'
  | 'rehearsal begun'
  | 'block announced'
  | 'block set'
  /** The source's users can write again, or the block was never this migration's. */
  | 'source opened'
  /** The point of no return: from here on the destination is the primary copy. */
  | 'committed'
  | 'destination opened'
  | 'late writes counted';

/**
 * Every step × event. Invariants: past `committed` no event opens the source; a rehearsal is left only with the source
 * open, and never to `committed`.
 */
export const CUTOVER_TRANSITIONS: Readonly<Record<CutoverStep, Readonly<Record<CutoverEvent, Outcome<CutoverStep>>>>> =
  {
    none: {
      begun: 'draining',
      'rehearsal begun': 'rehearsing',
      'block announced': 'impossible',
      'block set': 'impossible',
      'source opened': 'impossible',
      // `sync --once` ends without a cutover.
      committed: 'committed',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    draining: {
      begun: 'draining',
      'rehearsal begun': 'rehearsing',
      'block announced': 'blocking',
      'block set': 'impossible',
      'source opened': 'draining',
      // The engine blocks neither a source before 6.0 nor one of which it migrates a part.
      committed: 'committed',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    blocking: {
      begun: 'blocking',
      'rehearsal begun': 'impossible',
      'block announced': 'blocking',
      'block set': 'blocked',
      'source opened': 'draining',
      committed: 'committed',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    blocked: {
      begun: 'blocked',
      'rehearsal begun': 'impossible',
      'block announced': 'blocked',
      'block set': 'blocked',
      'source opened': 'draining',
      committed: 'committed',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    rehearsing: {
      // A cutover after the rehearsal.
      begun: 'draining',
      'rehearsal begun': 'rehearsing',
      'block announced': 'rehearsal blocking',
      'block set': 'impossible',
      'source opened': 'rehearsing',
      committed: 'impossible',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    'rehearsal blocking': {
      begun: 'impossible',
      'rehearsal begun': 'impossible',
      'block announced': 'rehearsal blocking',
      'block set': 'rehearsal blocked',
      'source opened': 'rehearsing',
      committed: 'impossible',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    'rehearsal blocked': {
      begun: 'impossible',
      'rehearsal begun': 'impossible',
      'block announced': 'impossible',
      'block set': 'rehearsal blocked',
      'source opened': 'rehearsing',
      committed: 'impossible',
      'destination opened': 'impossible',
      'late writes counted': 'impossible',
    },
    committed: {
      begun: 'impossible',
      'rehearsal begun': 'impossible',
      'block announced': 'impossible',
      'block set': 'impossible',
      'source opened': 'impossible',
      committed: 'committed',
      'destination opened': 'open',
      'late writes counted': 'committed',
    },
    open: {
      begun: 'impossible',
      'rehearsal begun': 'impossible',
      'block announced': 'impossible',
      'block set': 'impossible',
      'source opened': 'impossible',
      committed: 'impossible',
      'destination opened': 'open',
      'late writes counted': 'open',
    },
  };

/** Returns the step that a record shows. */
export function cutoverStepOf(cutover: CutoverRecord | undefined): CutoverStep {
  if (cutover === undefined) return 'none';
  if (cutover.committed) return cutover.canWriteAtMs === undefined ? 'committed' : 'open';
  if (!cutover.blocking) return cutover.rehearsing ? 'rehearsing' : 'draining';
  if (cutover.rehearsing) return cutover.sourceBlockedAtMs === undefined ? 'rehearsal blocking' : 'rehearsal blocked';
  return cutover.sourceBlockedAtMs === undefined ? 'blocking' : 'blocked';
}

/** Returns the step after an event. @throws Error for an event that can't happen at this step */
export function stepAfter(now: CutoverStep, event: CutoverEvent): CutoverStep {
  return outcomeOf(now, event, CUTOVER_TRANSITIONS[now][event]);
}

function outcomeOf<State extends string>(now: State, event: string, outcome: Outcome<State>): State {
  if (outcome === 'ignored') return now;
  if (outcome === 'impossible') throw new Error(`${event} can't happen to a migration that is ${now}`);
  return outcome as State;
}
