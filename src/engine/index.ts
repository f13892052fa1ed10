export type { DocumentFilter } from './catalog/document-filters.ts';
export type { NamespaceRemap } from './catalog/namespace-map.ts';
export type { NamespaceFilters } from './catalog/selection.ts';
export type { ClusterAddress, MigrationOptions } from './lifecycle/options.ts';
export type { Outcome, PhaseTime, Progress } from './lifecycle/progress.ts';
export { Migration } from './migration.ts';
export { FINDING_CODES, type Finding, findingOf } from './preflight/finding.ts';
export { inspectCluster } from './preflight/inspect-cluster.ts';
export { type Examination, examine, preflight } from './preflight/preflight.ts';
