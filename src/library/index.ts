import { version as own } from '../platform/index.ts';

export type {
  CatalogDifference,
  ClusterTime,
  DocumentDifference,
  VerificationMode,
  VerificationReport,
  VerifiedCluster,
  VerifiedCollection,
  VerifiedSide,
} from '../contract/index.ts';
// These names are the public interface of the package, under semantic versioning: docs/migrate/library.md lists each of them.
export { type CleanUpOptions, cleanUpMigration, type LeftoverNames, listMigrationLeftovers } from './clean-up.ts';
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
  VerificationOptions,
} from './options.ts';
export {
  type ClusterDescription,
  type CopyTime,
  type DataSize,
  type Plan,
  planMigration,
} from './plan.ts';
export type {
  CollectionProgress,
  CutoverAttempt,
  CutoverReport,
  CutoverStep,
  ErrorData,
  Finding,
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

/** The version of Linkspan. */
export const version: string = own;
