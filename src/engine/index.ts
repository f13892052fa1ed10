export type { ClusterAddress, MigrationOptions } from './lifecycle/options.ts';
export type { MigrationState, PhaseTime, Progress, WantedState } from './lifecycle/progress.ts';
export { Migration, type Outcome } from './migration.ts';
export type { Finding } from './preflight/finding.ts';
export { type ClusterDescription, inspectCluster } from './preflight/inspect-cluster.ts';
export { preflight } from './preflight/preflight.ts';
