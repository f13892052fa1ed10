import type { ErrorData } from '../../contract/index.ts';
import { stillBlocked } from './active-side.ts';
import {
  isFinishing,
  isOpen,
  type MigrationEvent,
  type MigrationState,
  ordering,
  type Transition,
} from './migration-state.ts';

type Event<K extends MigrationEvent['kind']> = Extract<MigrationEvent, { kind: K }>;

/** How a reported direction relates to the one on record. */
type Reported = 'earlier' | 'this' | 'later';

/**
 * Compares the direction of a report with the one on record. A later one is possible after a restore of the store: then the
 * records on the clusters count.
 */
export function directionOf({ order: { direction } }: MigrationState, reversals = 0): Reported {
  if (reversals === direction) return 'this';
  // rule: ignore-earlier-cutover
  return reversals < direction ? 'earlier' : 'later';
}

/** The direction of the last cutover on record, which is the one that a `finish` is about; -1 before the first. */
export function lastCutoverOf({ status, order: { direction } }: MigrationState): number {
  return status === 'COMPLETE' ? direction : direction - 1;
}

/**
 * The state of a migration that moves users in the given direction from now on. A `finish` that was accepted stays so, unless
 * another cutover has followed the one that it is about.
 */
export function turned(state: MigrationState, reversals: number): MigrationState {
  const { readySinceMs: _ready, announced: _announced, cutoverRequestedAtMs: _requested, ...rest } = state;
  const finish = state.order.finish === reversals - 1 ? state.order.finish : null;
  return {
    ...ordering(rest, { direction: reversals, wanted: 'RUNNING', abort: null, rehearsal: null, finish }),
    status: 'WORKING',
    failback: 'PLANNED',
    readyForCutover: false,
    // Only the first direction has a window: the end of a later one would take the failback from the users.
    windowEndsAtMs: null,
  };
}

/** Progress after a cutover: an agent has restarted, and opens the direction that has cut over before the failback. */
export function progressAfterCutover(state: MigrationState, event: Event<'progress'>): Transition {
  if (state.failback === undefined) return 'ignored';
  switch (directionOf(state, event.reversals)) {
    case 'earlier':
      return 'ignored';
    case 'this':
      return isOpen(state.failback) ? { ...state, failback: 'PREPARING' } : state;
    case 'later':
      return { ...turned(state, event.reversals ?? 0), readyForCutover: event.ready };
  }
}

/**
 * A cutover of a reversible migration. It opens the failback, unless that is closed already. A `finish` that was accepted before
 * was about the failback of an earlier cutover, which has ended with this one.
 */
export function openFailback(state: MigrationState, event: Event<'committed'>): Transition {
  const { reversals = 0, failback = 'PREPARING', atMs } = event;
  if (directionOf(state, reversals) === 'earlier') return endReversal(state, event);
  const opened: MigrationState = {
    // rule: forget-finish-after-cutover
    ...ordering(state, { direction: reversals, wanted: 'RUNNING', finish: null }),
    status: 'COMPLETE',
    readyForCutover: false,
    windowEndsAtMs: null,
    failback,
    failbackSinceMs: atMs,
    error: event.recordLost ?? null,
  };
  return failback === 'CLOSED' ? closed(opened, atMs) : withReadyFailback(opened, event);
}

/** Notes that the failback of the last cutover is ready. The note outlives restarts, failures and reversals. */
function withReadyFailback(state: MigrationState, { failbackReady = false }: Event<'committed'>): MigrationState {
  const isReady = failbackReady && isOpen(state.failback) && !isFinishing(state);
  return isReady ? { ...state, failbackReadyAfter: state.order.direction } : state;
}

/** Notes that a failback is ready that was requested before. */
export function withReadyReversal(state: MigrationState): MigrationState {
  const isReady = state.readyForCutover && !isFinishing(state);
  return isReady ? { ...state, failbackReadyAfter: state.order.direction - 1 } : state;
}

/** Ends a requested reversal without a cutover: the failback is closed, or failed before the agent knew of the request. */
function endReversal(
  state: MigrationState,
  { reversals = 0, failback, atMs, recordLost }: Event<'committed'>,
): Transition {
  if (reversals !== state.order.direction - 1) return 'ignored';
  const ordered = ordering(state, { direction: reversals, wanted: 'RUNNING' });
  const before: MigrationState = { ...ordered, status: 'COMPLETE', failback: 'PREPARING', readyForCutover: false };
  if (failback === 'CLOSED') return closed(before, atMs);
  return failback === 'FAILED' ? failFailback(before, { atMs, recordLost }) : 'ignored';
}

/** A report about a cutover that is on record: it shows how the failback is. */
export function followFailback(state: MigrationState, event: Event<'committed'>): Transition {
  if (state.failback === undefined) return 'ignored';
  const { failback = 'PREPARING', atMs } = event;
  switch (directionOf(state, event.reversals)) {
    case 'earlier':
      return 'ignored';
    case 'later':
      return openFailback(state, event);
    case 'this':
      if (failback === 'CLOSED') return closed(state, atMs);
      if (failback === 'FAILED') return failFailback(state, event);
      return withReadyFailback(isFinishing(state) ? state : { ...state, failback, error: null }, event);
  }
}

/**
 * A failure after a cutover: the agent can't open the migration. The cutover stays valid. When the record of the cutover is
 * gone, no one can close the failback on record: a `finish` ends it without that.
 */
export function failFailback(
  state: MigrationState,
  { recordLost, atMs }: { readonly recordLost?: ErrorData | undefined; readonly atMs: number },
): MigrationState {
  if (!isFinishing(state)) return { ...state, failback: 'FAILED', error: recordLost ?? null };
  // rule: end-unclosable-failback
  return recordLost === undefined ? state : giveUpFailback(state, recordLost, atMs);
}

/** Ends a failback whose cutover has lost its record. Any other is closed by `finish`. */
export function cancelCompleted(state: MigrationState, { atMs }: Event<'cancel'>): Transition {
  const { failback, error } = state;
  return failback === 'FAILED' && error !== null ? giveUpFailback(state, error, atMs) : 'refused';
}

/** A run that failed although its cutover was committed before, because the record of that is gone. */
export function failCommitted(state: MigrationState, atMs: number, recordLost: ErrorData): Transition {
  const moved = openFailback(state, { kind: 'committed', atMs, failback: 'FAILED', recordLost });
  const isGivenUp = state.order.wanted === 'CANCELLED' && typeof moved !== 'string';
  return isGivenUp ? giveUpFailback(moved, recordLost, atMs) : moved;
}

function giveUpFailback(state: MigrationState, reason: ErrorData, atMs: number): MigrationState {
  return loseFailback(state, { error: { ...reason, remedy: stillBlocked(state) }, atMs });
}

/** The end of the failback without its agent. */
export function loseFailback(
  state: MigrationState,
  { error, atMs }: Pick<Event<'revoked'>, 'error' | 'atMs'>,
): MigrationState {
  return { ...state, failback: 'LOST', endedAtMs: atMs, error };
}

export function reverseCompleted(state: MigrationState): Transition {
  return isOpen(state.failback) && !isFinishing(state) ? turned(state, state.order.direction + 1) : 'refused';
}

/** Repeating a reversal changes nothing. */
export function reverseWorking(state: MigrationState): Transition {
  return state.order.direction > 0 && !isFinishing(state) ? state : 'refused';
}

export function finishCompleted(state: MigrationState): Transition {
  return ordering(state, { finish: lastCutoverOf(state) });
}

/** Users stay where they are: a reversal is abandoned. */
export function finishWorking(state: MigrationState): Transition {
  if (isFinishing(state)) return state;
  return state.order.direction > 0 && state.order.wanted !== 'CUTOVER' ? finishCompleted(state) : 'refused';
}

function closed(state: MigrationState, atMs: number): MigrationState {
  return { ...state, failback: 'CLOSED', endedAtMs: atMs };
}
