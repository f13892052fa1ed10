/** All states of a migration. */
export const MIGRATION_STATES = [
  'created',
  'preparing',
  'copying',
  'tailing',
  'paused',
  'committing',
  'committed',
  'cancelled',
  'failed',
] as const;

/**
 * The state of a migration. `created`: this process has not loaded its records, so all figures are 0. `copying` includes
 * index builds of copied collections. `tailing` begins when every collection is copied and indexed, and its spool is
 * drained.
 */
export type MigrationState = (typeof MIGRATION_STATES)[number];

/** The time that one phase took. */
export interface PhaseTime {
  readonly name: 'preparing' | 'copying' | 'catching up' | 'cutover';
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}
