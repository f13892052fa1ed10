export { cleanUp, listLeftovers } from './cleanup/clean-up.ts';
export type { Leftovers } from './cleanup/leftovers.ts';
export { CommittedWatch } from './committed-watch.ts';
export { RangeDigester } from './compare/range-digester.ts';
export {
  ClusterVerification,
  type ClusterVerificationProgress,
  type Verified,
} from './compare-clusters/cluster-verification.ts';
export { type ComparedReports, compareReports, type ReportDifference } from './compare-clusters/compare-reports.ts';
export { type DigestOptions, digestCluster } from './compare-clusters/digest-cluster.ts';
export type { DigestProgress } from './compare-clusters/digest-progress.ts';
export { type DigestedEntry, type DigestReport, digestReport } from './compare-clusters/digest-report.ts';
export { readReport } from './compare-clusters/read-report.ts';
export { type SavedState, savedState } from './compare-clusters/saved-state.ts';
export { Changes } from './concurrency/changes.ts';
export { DEFAULT_MEMORY_MEGABYTES, LEAST_MEMORY_MEGABYTES } from './concurrency/memory-budget.ts';
export { Slots } from './concurrency/slots.ts';
export { RemoteWatchdog } from './cutover/remote-watchdog.ts';
export { SourceWatch } from './cutover/source-watch.ts';
export type { Migration } from './migration.ts';
export type { ClusterAddress } from './mongodb/connect.ts';
export { checkCluster } from './preflight/checks/versions.ts';
export { FINDING_CODES, findingOf } from './preflight/finding.ts';
export { inspectCluster } from './preflight/inspect-cluster.ts';
export { type Examination, examine, preflight } from './preflight/preflight.ts';
export type { ProbedFact } from './probe/judge.ts';
export { type ProbeReport, probeClusters } from './probe/probe.ts';
export { CUTOVER_STEPS } from './records/cutover-attempt.ts';
export { LeaderSilence } from './records/leader-silence.ts';
export { type RecordedStanding, recordedStanding, StandingReader } from './records/recorded-standing.ts';
export type { Leader } from './records/running-engine.ts';
export { shownState } from './records/shown-state.ts';
export { isCutOff } from './report/cut-off.ts';
export { notYetRunning } from './report/not-yet-running.ts';
export { problemsOf, writtenAfterCommit } from './report/problems-of.ts';
export { conditionsOf, isUnreserved, reservationsOf } from './report/reservations.ts';
export { ReversibleMigration } from './reversible-migration.ts';
export type { CheckedClusters } from './run/clusters.ts';
export { openExamined } from './run/open-clusters.ts';
export { lasting } from './run/run-findings.ts';
export type { DigestHelper, RangeQuestion } from './scope/digest-helper.ts';
export type { DocumentFilter } from './scope/document-filters.ts';
export type { NamespaceRemap } from './scope/namespace-map.ts';
export type { BypassingWrites, MigrationOptions } from './scope/options.ts';
export type { NamespaceFilters } from './scope/selection.ts';
export { Steering } from './steering.ts';
