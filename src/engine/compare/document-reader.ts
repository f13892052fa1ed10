import type { MongoClient, UUID } from 'mongodb';
import { bulkRead } from '../mongodb/bulk-reads.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import { ifEmptyPart, type KeyRange, partsOfRange } from './key-range.ts';

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
  { database, name, uuid, isClustered, select, readConcern }: ReadFrom,
  range: KeyRange,
  limit: number,
): Promise<RawBatch> {
  const pinned = uuid === undefined ? {} : { collectionUUID: uuid };
  let batch: RawBatch | undefined;
  // Servers take a UUID since 6.0, too.
  for (const part of partsOfRange(range, { isClustered, takesHint: uuid !== undefined, select })) {
    const command = { find: name, ...part, batchSize: limit, singleBatch: true, ...pinned, readConcern };
    const opened = await bulkRead(client, (member, bound) =>
      RawCursor.open(member, database, { ...command, ...bound }),
    ).catch(ifEmptyPart);
    if (opened === undefined) continue;
    await opened[0][Symbol.asyncDispose]();
    batch = opened[1];
    if (batch.documents.length > 0) break;
  }
  // The last part is never refused.
  return batch as RawBatch;
}
