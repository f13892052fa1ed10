/** The engine's own database on the destination, with checkpoints and spool. It is never migrated and never counted. */
export const INTERNAL_DATABASE = 'linkspan_internal';

/**
 * The engine's one collection on a sharded source: it says which migration holds the write block. It is never migrated.
 * Databases of users would refuse the write under the block, and `admin` is on the config server.
 */
export const BLOCK_RECORD = { database: 'admin', name: 'linkspan_write_block' };

const SERVER_DATABASES = new Set(['admin', 'config', 'local', INTERNAL_DATABASE]);

/** Whether a database holds users' data. Server tools keep their own state in `__mdb_internal*`. */
export function isUserDatabase(name: string): boolean {
  return !SERVER_DATABASES.has(name) && !name.startsWith('__mdb_internal');
}

/**
 * Whether a collection is the server's own: `system.views` stores views, `system.profile` the profiler's output, and
 * `system.resharding.*` a collection that is being resharded.
 */
export function isServerCollection(name: string): boolean {
  return name === 'system.views' || name === 'system.profile' || name.startsWith('system.resharding.');
}

/** The collection of a database's stored functions. It has no validator, and servers drop it only with its database. */
export const STORED_FUNCTIONS = 'system.js';

const BUCKETS = 'system.buckets.';

/** Whether a collection holds the buckets of a time series. */
export function isBuckets(name: string): boolean {
  return name.startsWith(BUCKETS);
}

/** Returns the name of a time series' buckets. */
export function bucketsName(name: string): string {
  return BUCKETS + name;
}

/**
 * Returns the name that users know. A collection with the name of a time series' buckets, but without their option, keeps
 * its name.
 */
export function shownName(name: string, options: { has(option: string): boolean }): string {
  return options.has('timeseries') ? catalogName(name) : name;
}

/**
 * Returns the name that catalog commands take. A time series is created, changed and dropped under its user-visible
 * name.
 */
export function catalogName(name: string): string {
  return isBuckets(name) ? name.slice(BUCKETS.length) : name;
}
