import type { MongoClient } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { readAll } from '../mongodb/raw-cursor.ts';

/** Statistics of a collection, with the field names of `dbStats`. */
export interface CollectionStatistics {
  readonly objects: number;
  /** Bytes of the documents. */
  readonly dataSize: number;
  readonly storageSize: number;
  readonly freeStorageSize: number;
  readonly indexes: number;
  readonly indexSize: number;
}

/**
 * Returns a collection's statistics, over all shards of a sharded cluster. Documents that a chunk migration left on their
 * former shard don't count: no routed read returns them. Their disk space counts.
 * @throws MongoServerError NamespaceNotFound for a dropped one
 */
export async function statisticsOf(client: MongoClient, database: string, name: string): Promise<CollectionStatistics> {
  const field = (of: string) => ({ $ifNull: [`$storageStats.${of}`, 0] });
  const owned = { $subtract: [field('count'), field('numOrphanDocs')] };
  const fields = {
    objects: owned,
    dataSize: { $subtract: [field('size'), { $multiply: [field('numOrphanDocs'), field('avgObjSize')] }] },
    storageSize: field('storageSize'),
    freeStorageSize: field('freeStorageSize'),
    indexes: field('nindexes'),
    indexSize: field('totalIndexSize'),
  };
  const pipeline = [{ $collStats: { storageStats: {} } }, { $project: fields }];
  const listed = await readAll(client, database, { aggregate: name, pipeline, cursor: {} });
  const shards = listed.map((bytes) => decode(bytes));
  const sum = (of: keyof CollectionStatistics) => shards.reduce((total, shard) => total + Number(shard[of]), 0);
  return {
    objects: sum('objects'),
    dataSize: sum('dataSize'),
    storageSize: sum('storageSize'),
    freeStorageSize: sum('freeStorageSize'),
    // Each shard has all of them.
    indexes: Math.max(0, ...shards.map(({ indexes }) => Number(indexes))),
    indexSize: sum('indexSize'),
  };
}
