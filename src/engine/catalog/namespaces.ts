/** The engine's own database on the destination: checkpoints, spool. Never migrated, never counted as data. */
export const INTERNAL_DATABASE = 'linkspan_internal';

const SERVER_DATABASES = new Set(['admin', 'config', 'local', INTERNAL_DATABASE]);

/** Whether a database holds users' data. Server tools keep their own state in `__mdb_internal*` [43]. */
export function isUserDatabase(name: string): boolean {
  return !SERVER_DATABASES.has(name) && !name.startsWith('__mdb_internal');
}

/** `system.views` is what views are stored in, `system.profile` the profiler's output; time series' buckets go with their collection. */
export function isServerCollection(name: string): boolean {
  return name === 'system.views' || name === 'system.profile' || name.startsWith('system.buckets.');
}
