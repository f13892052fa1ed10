export type { Project } from './groups.ts';
export type { LiveMigration } from './live-migrations.ts';
export type { MigrationHistory } from './migration-samples.ts';
export { registerAtlasApi } from './register.ts';
export type { ShownSession } from './sessions.ts';
