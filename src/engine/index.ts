export type { NamespaceFilter, NamespaceFilters } from './catalog/selection.ts';
export type { Cancellation } from './lifecycle/cancel.ts';
export type { LoadLevel } from './lifecycle/load-level.ts';
export type { ClusterAddress, MigrationOptions } from './lifecycle/options.ts';
export type { MigrationState, Outcome, PhaseTime, Progress, WantedState } from './lifecycle/progress.ts';
export { Migration } from './migration.ts';
export type { Finding } from './preflight/finding.ts';
export { type ClusterDescription, inspectCluster } from './preflight/inspect-cluster.ts';
export { preflight } from './preflight/preflight.ts';
