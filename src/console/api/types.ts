// The answers' types are those of the schemas with which the server checks requests and describes answers.
export type {
  AgentLink,
  ApiKey,
  AuditEvent,
  Cluster,
  LinkToken,
  LiveMigration,
  MigrationCollection,
  MigrationCollections,
  MigrationMismatches,
  MigrationRequest,
  MigrationSamples,
  Mismatch,
  Organization,
  OrganizationRole,
  Project,
  ServiceAccount,
  ShownSession,
  SourceProject,
  SystemStatus,
  Validation,
} from '../../atlas-api/index.ts';
export type { CutoverReport } from '../../platform/index.ts';
