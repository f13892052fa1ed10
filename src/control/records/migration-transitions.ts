import { type ErrorData, errorDataOf, type MigrationStatus } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { windowSetTo } from './announced.ts';
import {
  isDecided,
  isFollowed,
  type MigrationEvent,
  type MigrationState,
  ordering,
  type Transition,
} from './migration-state.ts';
import {
  cancelCompleted,
  directionOf,
  failCommitted,
  failFailback,
  finishCompleted,
  finishWorking,
  followFailback,
  loseFailback,
  openFailback,
  progressAfterCutover,
  reverseCompleted,
  reverseWorking,
  turned,
  withReadyReversal,
} from './reversal-transitions.ts';

/** How long the cutover window stays open after a migration is first ready: 120 h as in Atlas (docs/reference/atlas-contract.md). */
const CUTOVER_WINDOW_MS = 120 * 3_600_000;

type Rule<K extends MigrationEvent['kind']> = (
  state: MigrationState,
  event: Extract<MigrationEvent, { kind: K }>,
) => Transition;
type Rules = { readonly [K in MigrationEvent['kind']]: Rule<K> };

const ignored = () => 'ignored' as const;
const refused = () => 'refused' as const;

const work: Rule<'progress'> = (state, { ready, atMs, reversals = 0 }) => {
  const direction = directionOf(state, reversals);
  if (direction === 'earlier' || (direction === 'later' && state.failback === undefined)) return 'ignored';
  const { readySinceMs, ...current } = direction === 'later' ? turned(state, reversals) : state;
  const readiness = { readyForCutover: ready, ...(ready && { readySinceMs: readySinceMs ?? atMs }) };
  // An agent that has restarted after a failure works on.
  const working = { ...current, ...readiness, error: null };
  if (reversals > 0) return withReadyReversal(working);
  const windowEndsAtMs = current.windowEndsAtMs ?? (ready ? atMs + CUTOVER_WINDOW_MS : null);
  return { ...working, status: 'WORKING', windowEndsAtMs };
};
const send: Rule<'order sent'> = (state) => (state.orderSent ? 'ignored' : { ...state, orderSent: true });
const complete: Rule<'committed'> = (state, event) => {
  if (state.failback !== undefined) return openFailback(state, event);
  return (event.reversals ?? 0) > 0 ? 'ignored' : end(state, 'COMPLETE', event.atMs, null);
};
/** The agent no longer has this migration, so nothing replicates back. */
const completeLate: Rule<'committed'> = (state, { atMs }) => end(state, 'COMPLETE', atMs, null);
const revoke: Rule<'revoked'> = (state, { error, atMs }) => end(state, 'FAILED', atMs, error);
const fail: Rule<'failed'> = (state, { error, atMs, commit, recordLost }) => {
  if (recordLost !== undefined && state.failback !== undefined && !isReversed(state))
    return failCommitted(state, atMs, recordLost);
  // rule: committed-survives-failure
  if (commit === undefined) return end(state, 'FAILED', atMs, error);
  // Past the point of no return only the engine can open the destination, so the agent keeps its order.
  const wanted = commit === 'made' ? 'CUTOVER' : state.order.wanted;
  return { ...ordering(state, { wanted }), readyForCutover: false, error };
};
const cancelled: Rule<'cancelled'> = (state, { atMs }) => {
  // The engine gives up a reversal, and reports the direction before it next.
  if (isReversed(state)) return state;
  const dropped = state.order.wanted === 'CANCELLED' && state.order.drop;
  const copied = dropped ? 'the copied data was dropped' : 'the copied data stays on the destination';
  return end(state, 'FAILED', atMs, cancellation(copied));
};
const expire: Rule<'window ran out'> = (state, { atMs, mayBeCommitted = false }) => {
  // A cutover or cancellation that was accepted in time still completes. Only the agent can open the destination after a
  // commit, so it keeps its order until it has answered an abort.
  const isKept = isDecided(state) || mayBeCommitted;
  return isWindowOver(state, atMs) && !isKept ? end(state, 'EXPIRED', atMs, null) : 'ignored';
};

const cutOver: Rule<'cutover'> = (state, { atMs }) => {
  if (state.order.wanted === 'CUTOVER') return state;
  return mayCutOver(state, atMs)
    ? { ...ordering(state, { wanted: 'CUTOVER' }), cutoverRequestedAtMs: atMs }
    : 'refused';
};
const abortCutover: Rule<'abort cutover'> = (state, { atMs }) => {
  const { wanted } = state.order;
  if (wanted === 'CANCELLED') return 'refused';
  return wanted === 'CUTOVER' ? ordering(state, { wanted: 'RUNNING', abort: atMs }) : state;
};
const rehearse: Rule<'rehearse'> = (state, { atMs }) =>
  mayCutOver(state, atMs) ? ordering(state, { rehearsal: atMs }) : 'refused';
const pause: Rule<'pause'> = (state) => (isDecided(state) ? 'refused' : ordering(state, { wanted: 'PAUSED' }));
const resume: Rule<'resume'> = (state) => (isDecided(state) ? 'refused' : ordering(state, { wanted: 'RUNNING' }));
const cancelNew: Rule<'cancel'> = (state, event) =>
  state.orderSent
    ? cancel(state, event)
    : end(state, 'FAILED', event.atMs, cancellation('its agent never got the order, so nothing was copied'));
const cancel: Rule<'cancel'> = (state, { dropCopied }) =>
  // There is nothing to cancel once users have moved: `finish` ends a reversal.
  // rule: refuse-cancel-of-reversal
  isReversed(state)
    ? 'refused'
    : // A repeated cancellation without a drop does not undo an earlier one with a drop.
      ordering(state, { wanted: 'CANCELLED', drop: state.order.drop || dropCopied });
const setLoadLevel: Rule<'load level'> = (state, { level }) => ordering(state, { loadLevel: level });
const limitCopy: Rule<'copy rate'> = (state, { megabytesPerSecond }) =>
  ordering(state, { copyBytesPerSecond: megabytesPerSecond && megabytesPerSecond * 1e6 });
const setLoadWindows: Rule<'load windows'> = (state, { windows }) => ordering(state, { windows: [...windows] });
const confirmDrops: Rule<'confirm drops'> = (state, { atMs }) => {
  const { drops, direction } = state.order;
  // After a cutover it is about the opposite direction, which follows.
  // rule: confirm-drops-of-failback
  const of = isFollowed(state) ? direction + 1 : direction;
  return ordering(state, { drops: { direction: of, confirmed: Math.max(atMs, (drops?.confirmed ?? 0) + 1) } });
};
const extend: Rule<'extend'> = (state, { untilMs, atMs }) => {
  if (state.windowEndsAtMs === null || isWindowOver(state, atMs) || isDecided(state)) return 'refused';
  if (untilMs <= state.windowEndsAtMs) return state;
  const announced = { ...state.announced, window: windowSetTo(untilMs, atMs) };
  return { ...state, windowEndsAtMs: untilMs, announced };
};

/** A migration that has ended stays as it is; late events change nothing. */
const ENDED: Rules = {
  'order sent': ignored,
  progress: ignored,
  committed: ignored,
  failed: ignored,
  cancelled: ignored,
  revoked: ignored,
  cutover: refused,
  'abort cutover': refused,
  rehearse: refused,
  pause: refused,
  resume: refused,
  cancel: refused,
  'load level': refused,
  'copy rate': refused,
  'load windows': refused,
  'confirm drops': refused,
  reverse: refused,
  finish: (state) => (state.failback === 'CLOSED' && state.status === 'COMPLETE' ? state : 'refused'),
  extend: refused,
  'window ran out': ignored,
};

const ACTIVE: Rules = {
  'order sent': send,
  progress: work,
  committed: complete,
  failed: fail,
  cancelled,
  revoked: revoke,
  cutover: cutOver,
  'abort cutover': abortCutover,
  rehearse,
  pause,
  resume,
  cancel,
  'load level': setLoadLevel,
  'copy rate': limitCopy,
  'load windows': setLoadWindows,
  'confirm drops': confirmDrops,
  reverse: reverseWorking,
  finish: finishWorking,
  extend,
  'window ran out': expire,
};

/** A migration that has cut over, and whose failback isn't closed. */
const FOLLOWED: Rules = {
  ...ENDED,
  progress: progressAfterCutover,
  committed: followFailback,
  failed: failFailback,
  revoked: loseFailback,
  cancel: cancelCompleted,
  'confirm drops': confirmDrops,
  reverse: reverseCompleted,
  finish: finishCompleted,
};

const TABLE: Readonly<Record<MigrationStatus, Rules>> = {
  NEW: {
    ...ACTIVE,
    cancel: cancelNew,
    cutover: refused,
    rehearse: refused,
    reverse: refused,
    finish: refused,
    extend: refused,
    'window ran out': ignored,
  },
  WORKING: ACTIVE,
  COMPLETE: ENDED,
  FAILED: ENDED,
  // The engine may have committed before it learned of the end. Then the data on the destination is the primary copy.
  EXPIRED: { ...ENDED, committed: completeLate },
};

/** The next state of a migration after an event. */
export function transition(state: MigrationState, event: MigrationEvent): Transition {
  const rules = isFollowed(state) ? FOLLOWED : TABLE[state.status];
  switch (event.kind) {
    case 'order sent':
      return rules['order sent'](state, event);
    case 'progress':
      return rules.progress(state, event);
    case 'committed':
      return rules.committed(state, event);
    case 'failed':
      return rules.failed(state, event);
    case 'cancelled':
      return rules.cancelled(state, event);
    case 'revoked':
      return rules.revoked(state, event);
    case 'reverse':
      return rules.reverse(state, event);
    case 'finish':
      return rules.finish(state, event);
    case 'cutover':
      return rules.cutover(state, event);
    case 'abort cutover':
      return rules['abort cutover'](state, event);
    case 'rehearse':
      return rules.rehearse(state, event);
    case 'pause':
      return rules.pause(state, event);
    case 'resume':
      return rules.resume(state, event);
    case 'cancel':
      return rules.cancel(state, event);
    case 'load level':
      return rules['load level'](state, event);
    case 'copy rate':
      return rules['copy rate'](state, event);
    case 'load windows':
      return rules['load windows'](state, event);
    case 'confirm drops':
      return rules['confirm drops'](state, event);
    case 'extend':
      return rules.extend(state, event);
    case 'window ran out':
      return rules['window ran out'](state, event);
  }
}

function isReversed({ order }: MigrationState): boolean {
  return order.direction > 0;
}

function mayCutOver(state: MigrationState, atMs: number): boolean {
  const isPossible = state.order.wanted === 'RUNNING' && !isDecided(state) && state.readyForCutover;
  return isPossible && !isWindowOver(state, atMs);
}

function isWindowOver({ windowEndsAtMs }: MigrationState, atMs: number): boolean {
  return windowEndsAtMs !== null && atMs >= windowEndsAtMs;
}

/** The error of a cancelled migration: Atlas's status of one is `FAILED`. */
function cancellation(copied: string): ErrorData {
  return errorDataOf(new UserError('MIGRATION_CANCELLED', [copied]));
}

function end(
  state: MigrationState,
  status: MigrationStatus,
  endedAtMs: number,
  error: ErrorData | null,
): MigrationState {
  const failback =
    state.failback && ({ failback: status === 'COMPLETE' || isReversed(state) ? 'LOST' : 'CLOSED' } as const);
  return { ...state, status, readyForCutover: false, endedAtMs, error, ...failback };
}
