/**
 * Where a migration stands. `created`: this process knows nothing of it yet, and its figures are 0 whatever was copied. `copying` includes
 * building indexes of collections already copied; `tailing` begins when every collection is copied, indexed and its spool drained.
 */
export type MigrationState =
  | 'created'
  | 'preparing'
  | 'copying'
  | 'tailing'
  | 'paused'
  | 'committing'
  | 'committed'
  | 'cancelled'
  | 'failed';

/** A phase's place in time, for the report of where the time went. */
export interface PhaseTime {
  readonly name: 'preparing' | 'copying' | 'catching up' | 'cutover';
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}
