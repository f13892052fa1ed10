import {
  amended,
  type ErrorData,
  type Failback,
  type FailbackState,
  FIRST_ORDER,
  type LoadLevel,
  type LoadWindow,
  type MigrationStatus,
  type Order,
  type SourceWatchState,
} from '../../contract/index.ts';
import type { Announced } from './announced.ts';
import type { AuditRate } from './audit-rate.ts';

/**
 * The state of a live migration, an immutable state machine over its status in the API.
 *
 *          started               committed
 *   NEW ───────────▶ WORKING ───────────────▶ COMPLETE
 *    │                 │  │ failed
 *    │ failed          │  └────────▶ FAILED
 *    └─────────────────┼────────────▶
 *                      │ window ran out
 *                      └────────▶ EXPIRED
 *
 * A reversible migration continues after COMPLETE while its failback is open; `reverse` makes it WORKING again, in the opposite
 * direction (docs/adr/0028-reverse.md).
 *
 * The statuses have Atlas's meanings (docs/reference/atlas-contract.md). Atlas has no status for a cancelled migration, so it is FAILED
 * with a message that says so. A migration that is cancelled before its order was sent to an agent ends at once. Pause, cutover and
 * cancellation are not statuses: the operator wants them in `order`, and the agent carries them out.
 */
export interface MigrationState {
  readonly status: MigrationStatus;
  /**
   * All that the operator wants. The agent follows it as it is. Aborts and rehearsals are named by the time of their request.
   */
  readonly order: Order;
  /** Whether the order was sent to an agent, or is about to be. When false, nothing has started. */
  readonly orderSent: boolean;
  /** Absent for a migration that isn't reversible. */
  readonly failback?: RecordedFailback;
  /** When the last cutover opened the failback; absent before it. */
  readonly failbackSinceMs?: number;
  /** The last direction after whose cutover the failback became ready for a cutover; absent before the first. */
  readonly failbackReadyAfter?: number;
  readonly readyForCutover: boolean;
  /** Since when it is ready without a break; absent while it isn't. */
  readonly readySinceMs?: number;
  /** Absent before the first announcement. */
  readonly announced?: Announced;
  /** Absent before the first audit record that a report or the time has caused. */
  readonly auditRate?: AuditRate;
  /** The watch of the source after the commit; absent without one. */
  readonly sourceWatch?: SourceWatchState;
  /** When the current cutover was requested; absent before. */
  readonly cutoverRequestedAtMs?: number;
  /** End of the cutover window; null before the migration was first ready for cutover. */
  readonly windowEndsAtMs: number | null;
  /** Null while the migration is assigned to its agent, also after a cutover whose failback is open. */
  readonly endedAtMs: number | null;
  /** The error that ended the migration or its failback, or that keeps a cutover from being finished. */
  readonly error: ErrorData | null;
}

/** The failback, as far as the operator doesn't close it. */
type RecordedFailback = Exclude<FailbackState, 'FINISHING'>;

/** An event that may change a migration's state. */
export type MigrationEvent =
  /** The server sends the order to the agent. */
  | { readonly kind: 'order sent' }
  /** The agent reports progress. */
  | { readonly kind: 'progress'; readonly ready: boolean; readonly atMs: number; readonly reversals?: number }
  /** The agent reports that a direction has cut over, and how its failback is; `PREPARING` by default. */
  | {
      readonly kind: 'committed';
      readonly atMs: number;
      readonly reversals?: number;
      readonly failback?: Failback['state'];
      /** Whether the failback could cut over now. */
      readonly failbackReady?: boolean;
      readonly recordLost?: ErrorData;
    }
  /**
   * A run of the engine failed. `commit`: its cutover is past its point of no return, or that isn't known yet.
   * `recordLost`: why, when the cutover was committed before, and its record is gone.
   */
  | {
      readonly kind: 'failed';
      readonly error: ErrorData;
      readonly atMs: number;
      readonly commit?: 'made' | 'unknown';
      readonly recordLost?: ErrorData;
    }
  /** The agent has cancelled the migration. */
  | { readonly kind: 'cancelled'; readonly atMs: number }
  /** An owner revoked the link of its agent. */
  | { readonly kind: 'revoked'; readonly error: ErrorData; readonly atMs: number }
  | OperatorRequest
  /** The window may be over. `mayBeCommitted`: whether the agent may have committed a cutover without a report of it. */
  | { readonly kind: 'window ran out'; readonly atMs: number; readonly mayBeCommitted?: boolean };

/** A request of an operator. Repeating a request changes nothing. */
export type OperatorRequest =
  | { readonly kind: 'cutover'; readonly atMs: number }
  | { readonly kind: 'abort cutover'; readonly atMs: number }
  | { readonly kind: 'rehearse'; readonly atMs: number }
  | { readonly kind: 'pause'; readonly atMs: number }
  | { readonly kind: 'resume'; readonly atMs: number }
  | { readonly kind: 'cancel'; readonly dropCopied: boolean; readonly atMs: number }
  | { readonly kind: 'load level'; readonly level: LoadLevel; readonly atMs: number }
  | { readonly kind: 'copy rate'; readonly megabytesPerSecond: number | null; readonly atMs: number }
  | { readonly kind: 'load windows'; readonly windows: readonly LoadWindow[]; readonly atMs: number }
  | { readonly kind: 'confirm drops'; readonly atMs: number }
  | { readonly kind: 'reverse'; readonly atMs: number }
  | { readonly kind: 'finish'; readonly atMs: number }
  | { readonly kind: 'extend'; readonly untilMs: number; readonly atMs: number };

/** The new state; `refused` for a request that is not possible, `ignored` for a late report. */
export type Transition = MigrationState | 'ignored' | 'refused';

export const NEW_MIGRATION: MigrationState = {
  status: 'NEW',
  order: FIRST_ORDER,
  orderSent: false,
  readyForCutover: false,
  windowEndsAtMs: null,
  endedAtMs: null,
  error: null,
};

/** Statuses of migrations that have not ended. */
export const ACTIVE_STATUSES: readonly MigrationStatus[] = ['NEW', 'WORKING'];

/** Whether a migration has cut over, and its failback is neither closed nor lost. */
export function isFollowed({ status, failback }: MigrationState): boolean {
  return status === 'COMPLETE' && (isOpen(failback) || failback === 'FAILED');
}

/** Whether the side without users follows the other one, or is about to. */
export function isOpen(failback: MigrationState['failback']): boolean {
  return failback === 'PREPARING' || failback === 'FOLLOWING';
}

/** Whether the operator closes the failback. */
export function isFinishing({ order, endedAtMs }: MigrationState): boolean {
  return order.finish !== null && endedAtMs === null;
}

/** Returns the state with another order. */
export function ordering(state: MigrationState, change: Parameters<typeof amended>[1]): MigrationState {
  return { ...state, order: amended(state.order, change) };
}

/**
 * Whether a cutover, a cancellation or the end of the failback was accepted. Only a cutover can be withdrawn, before its
 * point of no return.
 */
export function isDecided(state: MigrationState): boolean {
  const { wanted } = state.order;
  return wanted === 'CUTOVER' || wanted === 'CANCELLED' || isFinishing(state);
}
