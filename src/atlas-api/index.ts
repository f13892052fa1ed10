export type { Cluster } from './clusters.ts';
export type { Project } from './groups.ts';
export type { LiveMigration } from './live-migrations.ts';
export type { MigrationSamples } from './migration-samples.ts';
export { registerAtlasApi } from './register.ts';
export type { ShownSession } from './sessions.ts';
export type { SystemStatus } from './system-status.ts';
