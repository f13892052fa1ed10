import type { MongoClient, UUID } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';

/** A range of `_id`, in the order of the server. */
export interface KeyRange {
  /** Exclusive; undefined for no bound. */
  readonly after?: DocumentKey | undefined;
  /** Inclusive; undefined for no bound. */
  readonly high?: DocumentKey | undefined;
}

/** Reads one side's documents of a collection. */
export interface DocumentReader {
  /**
   * Returns the first documents of a range in the order of `_id`, as a majority has them.
   * @param limit  the most documents to return. The server returns fewer when they don't fit into one reply; none means
   * that the range has no more
   */
  read(range: KeyRange, limit: number): Promise<RawBatch>;
}

/** The collection that a reader reads, and how. */
export interface ReadFrom {
  readonly database: string;
  readonly name: string;
  /** Pins the read: the server refuses a collection that was renamed or dropped meanwhile. */
  readonly uuid?: UUID | undefined;
  readonly isClustered: boolean;
  /** Restricts a query to the documents that count; all by default. */
  readonly select?: (query: object) => object;
  readonly readConcern: object;
  /** The fields to read, where not whole documents are compared. */
  readonly projection?: object;
}

/** Reads documents of a range once. The caller retries. */
export async function readRange(
  client: MongoClient,
  { database, name, uuid, isClustered, select = (query) => query, readConcern }: ReadFrom,
  range: KeyRange,
  limit: number,
): Promise<RawBatch> {
  const [cursor, batch] = await RawCursor.open(client, database, {
    find: name,
    filter: select(rangeFilter(range)),
    sort: { _id: 1 },
    // A clustered collection has no index on `_id`: its documents are stored in that order.
    ...(isClustered ? {} : { hint: { _id: 1 } }),
    batchSize: limit,
    singleBatch: true,
    ...(uuid === undefined ? {} : { collectionUUID: uuid }),
    readConcern,
  });
  await cursor[Symbol.asyncDispose]();
  return batch;
}

/**
 * Returns the bounds as an expression, which compares across types; a plain comparison would omit ids of other types
 * (docs/reference/pitfalls.md#pitfall-27).
 */
export function rangeFilter({ after, high }: KeyRange): object {
  const bounds = [
    ...(after === undefined ? [] : [{ $gt: ['$_id', { $literal: after.value }] }]),
    ...(high === undefined ? [] : [{ $lte: ['$_id', { $literal: high.value }] }]),
  ];
  return bounds.length === 0 ? {} : { $expr: { $and: bounds } };
}
