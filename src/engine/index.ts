export type { ClusterAddress, MigrationOptions } from './lifecycle/options.ts';
export type { MigrationState, PhaseTime, Progress, WantedState } from './lifecycle/progress.ts';
export { Migration, type Outcome } from './migration.ts';
export type { Finding } from './preflight/finding.ts';
