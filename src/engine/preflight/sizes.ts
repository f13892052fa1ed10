import type { Document, MongoClient } from 'mongodb';
import { type CatalogEntry, listUserDatabases } from '../catalog/read-catalog.ts';
import { statisticsOf } from '../catalog/shard-statistics.ts';
import { isBuckets } from '../mongodb/namespaces.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { sweep } from './within.ts';

/** The amount of data to migrate, by the source's own statistics, which may be wrong after a crash of its server. */
export interface Sizes {
  readonly collections: number;
  readonly views: number;
  readonly documents: number;
  /** Size of the documents as they are read and sent. */
  readonly bytes: number;
  /** Space of documents and indexes on the source's disk, without free space in its files. */
  readonly storedBytes: number;
  /** Without those on `_id`, which servers create by themselves. */
  readonly indexes: number;
  readonly indexBytes: number;
  /** Databases or collections that were left out for lack of time. */
  readonly left: number;
}

/**
 * Adds up the statistics of whole databases, or of single collections when only a part is selected. Ignores document
 * filters.
 */
export async function readSizes(
  source: MongoClient,
  entries: readonly CatalogEntry[],
  { isWhole, signal }: { readonly isWhole: boolean; readonly signal: AbortSignal },
): Promise<Sizes> {
  const stored = entries.filter(({ type }) => type !== 'view');
  const databases = [...Map.groupBy(entries, ({ database }) => database)];
  // The statistics of a database count documents that chunk migrations left on former shards.
  const { results, left } =
    isWhole && !isSharded(source)
      ? await sweep(databases, signal, ([database, of]) => databaseStatistics(source, database, of))
      : await sweep(stored, signal, (entry) => collectionStatistics(source, entry));
  const sum = (read: (of: Document) => unknown) => results.reduce((total, one) => total + Number(read(one) ?? 0), 0);
  const collections = stored.length;
  return {
    collections,
    views: entries.length - collections,
    documents: sum(({ objects }) => objects),
    bytes: sum(({ dataSize }) => dataSize),
    storedBytes:
      sum(({ storageSize }) => storageSize) +
      sum(({ indexSize }) => indexSize) -
      sum(({ freeStorageSize }) => freeStorageSize) -
      sum(({ indexFreeStorageSize }) => indexFreeStorageSize),
    indexes: sum(({ indexes }) => indexes) - sum(({ collections: each }) => each),
    indexBytes: sum(({ indexSize }) => indexSize),
    left,
  };
}

/** Returns statistics of a whole database, where `collections` counts those with an index on `_id`. */
async function databaseStatistics(
  source: MongoClient,
  database: string,
  entries: readonly CatalogEntry[],
): Promise<Document> {
  const statistics = await source.db(database).command({ dbStats: 1, freeStorage: 1 });
  // Each of them has a document in `system.views`.
  const views = entries.filter(({ type, name }) => type === 'view' || isBuckets(name)).length;
  const clustered = entries.filter(isClustered).length;
  return {
    ...statistics,
    objects: Number(statistics.objects) - views,
    collections: Number(statistics.collections) - clustered,
  };
}

/** Whether a collection needs no index on `_id`, because its documents are in that order. */
function isClustered({ name, options }: Pick<CatalogEntry, 'name' | 'options'>): boolean {
  return isBuckets(name) || options.has('clusteredIndex');
}

/**
 * Returns statistics of one collection with the field names of `dbStats`, where `collections` counts those with an index on
 * `_id`; an empty object for a dropped one.
 */
export async function collectionStatistics(source: MongoClient, entry: CatalogEntry): Promise<Document> {
  const NAMESPACE_NOT_FOUND = 26;
  try {
    const statistics = await statisticsOf(source, entry.database, entry.name);
    return { ...statistics, collections: isClustered(entry) ? 0 : 1 };
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return {};
    throw error;
  }
}

/** A cluster's disk; undefined when its server doesn't report it. */
export interface Disk {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Space that users' databases take. */
  readonly takenBytes: number;
}

/** Returns the primary's disk; other members' disks are unknown. */
export async function readDisk(client: MongoClient, signal: AbortSignal): Promise<Disk | undefined> {
  const [{ fsTotalSize, fsUsedSize }, databases] = await Promise.all([
    client.db('admin').command({ dbStats: 1 }),
    listUserDatabases(client),
  ]);
  if (!fsTotalSize) return undefined;
  const { results } = await sweep(databases, signal, (database) => client.db(database).command({ dbStats: 1 }));
  const takenBytes = results.reduce((sum, { totalSize }) => sum + Number(totalSize ?? 0), 0);
  return { totalBytes: Number(fsTotalSize), freeBytes: Number(fsTotalSize) - Number(fsUsedSize), takenBytes };
}
