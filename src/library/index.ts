import { version as own } from '../platform/index.ts';

// These names are the public interface of the package, under semantic versioning: docs/migrate/library.md lists each of them.
export { type CleanUpOptions, cleanUpMigration, type LeftoverNames, listMigrationLeftovers } from './clean-up.ts';
export type { CutoverReport, CutoverReportAttempt, CutoverReportStep } from './cutover-report.ts';
export { ERROR_CODES, type ErrorCode, isUserError, type UserError } from './errors.ts';
export { Migration, newMigrationId } from './migration.ts';
export type {
  BypassingWrites,
  ClusterAddress,
  DocumentFilter,
  LoadLevel,
  LogEntry,
  MigrationOptions,
  NamePattern,
  NamespaceFilter,
  NamespaceFilters,
  NamespaceName,
  NamespaceRemap,
  Selection,
  VerificationMode,
  VerificationOptions,
} from './options.ts';
export {
  type ClusterDescription,
  type CopyTime,
  type DataSize,
  type Finding,
  type Plan,
  planMigration,
} from './plan.ts';
export type {
  CollectionProgress,
  CutoverAttempt,
  ErrorData,
  Gate,
  Leftovers,
  MigrationState,
  Outcome,
  PhaseTime,
  Progress,
  ShardFigures,
  SourceWatch,
  TimeShares,
  VerificationProgress,
  Wait,
} from './progress.ts';
export { type ComparisonProgress, Verification, type VerificationResult } from './verification.ts';
export type {
  CatalogDifference,
  ClusterTime,
  DocumentDifference,
  VerificationReport,
  VerifiedCluster,
  VerifiedCollection,
  VerifiedSide,
} from './verification-report.ts';

/** The version of Linkspan. */
export const version: string = own;
