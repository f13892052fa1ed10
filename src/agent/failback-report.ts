import type { Failback, MigrationState, Outcome } from '../contract/index.ts';
import type { ReversibleMigration } from '../engine/index.ts';
import { shownError } from './failed-progress.ts';

/**
 * Returns the failback of a migration in the form of a report; undefined before a cutover.
 * @param shown  the state in which the migration is reported
 * @param outcome  of the run, once it has ended
 */
export function failbackReport(
  migration: ReversibleMigration,
  shown: MigrationState,
  outcome: Outcome | undefined,
): Failback | undefined {
  const { recordLost, closed, failback, failbackFailure } = migration;
  if (recordLost !== undefined) return { state: 'FAILED', error: shownError(recordLost) };
  if (closed !== null) return { state: 'CLOSED' };
  if (shown !== 'COMMITTED') return undefined;
  if (failbackFailure !== undefined) return { state: 'FAILED', error: shownError(failbackFailure) };
  if (failback === undefined) return { state: outcome === 'COMMITTED' ? 'CLOSED' : 'PREPARING' };
  const { state, readyForCutover: ready, notReadyReasons, lagSeconds, oplog, warnings } = failback.progress();
  if (state === 'CREATED' || state === 'PREPARING') return { state: 'PREPARING' };
  const oplogLeftSeconds = oplog?.leftSeconds ?? null;
  return { state: 'FOLLOWING', ready, notReadyReasons, lagSeconds, oplogLeftSeconds, warnings };
}
