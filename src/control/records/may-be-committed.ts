import type { MigrationState } from './migration-state.ts';

/** The fields of an agent's report that tell about a cutover. */
interface Reported {
  /** The last abort of a cutover that the agent has carried out. */
  readonly cutoverAborted?: number | undefined;
  /** There is one from the point of no return on. */
  readonly cutoverReport?: unknown;
}

/**
 * Returns whether a cutover is past its point of no return, or may be without a report of it. An abort that was accepted
 * says nothing yet: the agent refuses it once the commit was sent, and can't report that before the destination answers.
 * A cancellation of a cutover says nothing either, until the agent reports its end.
 */
export function mayBeCommitted(state: MigrationState, reported: Reported | null): boolean {
  const { order, cutoverRequestedAtMs: requestedAtMs } = state;
  const { wanted, abort } = order;
  if (reported?.cutoverReport !== undefined || wanted === 'CUTOVER') return true;
  const isLastRequest = requestedAtMs !== undefined && requestedAtMs >= (abort ?? requestedAtMs);
  if (wanted === 'CANCELLED' && isLastRequest) return true;
  // rule: unanswered-abort-keeps-order
  return abort !== null && reported?.cutoverAborted !== abort;
}
