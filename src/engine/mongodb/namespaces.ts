/** The engine's own database on the destination: checkpoints, spool. Never migrated, never counted as data. */
export const INTERNAL_DATABASE = 'linkspan_internal';

const SERVER_DATABASES = new Set(['admin', 'config', 'local', INTERNAL_DATABASE]);

/** Whether a database holds users' data. Server tools keep their own state in `__mdb_internal*` [43]. */
export function isUserDatabase(name: string): boolean {
  return !SERVER_DATABASES.has(name) && !name.startsWith('__mdb_internal');
}

/** `system.views` is what views are stored in, `system.profile` the profiler's output. */
export function isServerCollection(name: string): boolean {
  return name === 'system.views' || name === 'system.profile';
}

const BUCKETS = 'system.buckets.';

/** Whether a collection holds the buckets of a time series. */
export function isBuckets(name: string): boolean {
  return name.startsWith(BUCKETS);
}

/** The name that catalog commands take: a time series is made, changed and dropped under the name that users know it by. */
export function catalogName(name: string): string {
  return isBuckets(name) ? name.slice(BUCKETS.length) : name;
}
