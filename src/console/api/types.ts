// The answers' types are those of the schemas with which the server checks requests and describes answers.
export type {
  AgentLink,
  ApiKey,
  AuditEvent,
  AuditVerification,
  Cluster,
  LinkToken,
  LiveMigration,
  MigrationRequest,
  MigrationSamples,
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
