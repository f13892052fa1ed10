/** The features of a source beyond showing changes of documents. Only this file decides by version. */
export interface SourceFeatures {
  /**
   * Change streams show every change of the catalog and of system collections, and name the UUID of each event's
   * collection. Without this, any change of the catalog stops the migration (docs/adr/0005-sources-before-6.0.md).
   */
  readonly showsCatalogChanges: boolean;
  /** Reads and change streams show the buckets of time series. Servers from 9.0 on hide them without `rawData` (SERVER-116464). */
  readonly showsTimeSeries: boolean;
  /**
   * Change streams show documents that were written as a group, without a transaction (jstests
   * change_stream_apply_ops.js: since 6.1; not tried, so the engine asks a stream first).
   */
  readonly mayShowGroups: boolean;
  /** The destination takes the buckets of time series, too. */
  readonly fillsBuckets: boolean;
  /** Reads can name the UUID of their collection. */
  readonly pinsReads: boolean;
  /** The cluster can block users' writes. */
  readonly blocksWrites: boolean;
}

/**
 * The oldest version of a source, and of a destination. A destination needs writes pinned to UUIDs, and indexes that
 * become unique in place.
 */
export const OLDEST_VERSION = { source: '5.0', destination: '6.0' } as const;

/** The versions that tests run on with real servers (docs/plan/supported-versions.md). */
const TRIED = ['5.0', '6.0'];

/**
 * The versions that a dialect of the tests models: a real server of 6.0, whose requests and replies are rewritten
 * according to the source and manual of the newer one.
 */
const DIALECTS = ['7.0', '8.0', '8.2', '9.0.0', '9.0.3'];

/** The newest version whose listings, events and oplog Linkspan knows, from the server's source; no test ran on it. */
export const NEWEST_MODELLED = '9.0';

/** From this level on a time series is one collection, without a collection of buckets. */
export const WITHOUT_BUCKETS = '9.0';

/**
 * The oldest version of a sharded source: an older one can't block its writes, and its stream names no UUIDs, so nothing would
 * show that a collection was resharded.
 */
export const OLDEST_SHARDED = '6.0';

/**
 * @param version  the feature compatibility version. A newer server with an older one refuses newer features (tried on
 * 6.0.5)
 * @param destination  that of the destination
 * @param rawData  whether the engine uses `rawData` on those of them that store time series without buckets
 */
export function sourceFeatures(version: string, destination = version, rawData = false): SourceFeatures {
  const isNew = compareVersions(version, '6.0') >= 0;
  const [showsTimeSeries, fillsBuckets] = [version, destination].map(
    (one) => isNew && (rawData || compareVersions(one, WITHOUT_BUCKETS) < 0),
  ) as [boolean, boolean];
  return {
    showsCatalogChanges: isNew,
    showsTimeSeries,
    mayShowGroups: compareVersions(version, '6.1') >= 0,
    fillsBuckets,
    pinsReads: isNew,
    blocksWrites: isNew,
  };
}

/**
 * How a server's version is known: tried on real servers, modelled by the version of `model`, or unknown, because it is
 * newer or older than all that was read. A release in between counts as the version before it.
 */
export type KnownVersion =
  | { readonly known: 'TRIED' | 'UNKNOWN' }
  | { readonly known: 'MODELLED'; readonly model: string };

/** @param version  that of the server, whatever its feature compatibility version */
export function knownVersion(version: string): KnownVersion {
  if (compareVersions(version, NEWEST_MODELLED) > 0) return { known: 'UNKNOWN' };
  if (TRIED.some((tried) => compareVersions(tried, version) === 0)) return { known: 'TRIED' };
  const model = [...TRIED, ...DIALECTS].findLast((one) => compareVersions(one, version, PATCH) <= 0);
  return model === undefined ? { known: 'UNKNOWN' } : { known: 'MODELLED', model };
}

/** The first release of 6.0 that was seen to recover after a kill during the conversion of a unique index. */
const RECOVERS_PREPARED_UNIQUE = 27;

/**
 * Whether a member that was killed while an index had `prepareUnique` may be unable to start again
 * (docs/reference/mongodb-behaviour.md#fact-8-18).
 * @param version  that of the server, whatever its feature compatibility version
 */
export function mayRefuseRecovery(version: string): boolean {
  const patch = Number.parseInt(version.split('.')[2] ?? '', 10);
  // rule: warn-below-recovering-patch
  return compareVersions(version, '6.0') === 0 && patch < RECOVERS_PREPARED_UNIQUE;
}

/** The numbers of a version up to the minor one, and with the patch release. */
const MINOR = 2;
const PATCH = 3;

/**
 * Compares major and minor number: servers of one minor version understand each other's data.
 * @returns below 0 when `a` is older
 */
export function compareVersions(a: string, b: string, parts: typeof MINOR | typeof PATCH = MINOR): number {
  const [left, right] = [a, b].map((text) => text.split('.').map((number) => Number.parseInt(number, 10)));
  for (let part = 0; part < parts; part += 1) {
    const difference = (left?.[part] || 0) - (right?.[part] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
