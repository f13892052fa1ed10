// The answers' types are those of the schemas with which the server checks requests and describes answers.
export type {
  Cluster,
  LiveMigration,
  MigrationSamples,
  Project,
  ShownSession,
  SystemStatus,
} from '../../atlas-api/index.ts';
export type { CutoverReport } from '../../platform/index.ts';
