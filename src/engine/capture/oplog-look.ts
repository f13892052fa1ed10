import type { Document, MongoClient, Timestamp } from 'mongodb';
import type { OplogLook } from './oplog-gauge.ts';

/** Sections of `serverStatus` that are expensive and not needed. */
const NOT_NEEDED = { metrics: 0, wiredTiger: 0, tcmalloc: 0, locks: 0, repl: 0 };

/** Counts since a server started, as it counts: documents inserted, and updates, deletes and reads by command. */
export interface OperationCounts {
  readonly writes: number;
  readonly reads: number;
}

/** Asks a server about its oplog and its work. */
export async function lookAtServer(client: MongoClient): Promise<OplogLook & OperationCounts> {
  const [{ oplog, oplogTruncation, opcounters }, stats] = await Promise.all([
    client.db('admin').command({ serverStatus: 1, oplog: 1, ...NOT_NEEDED }),
    storageOfOplog(client),
  ]);
  return {
    earliest: secondsOf(oplog.earliestOptime),
    latest: secondsOf(oplog.latestOptime),
    bytes: stats.size,
    capacity: stats.maxSize,
    keptSeconds: (oplogTruncation?.oplogMinRetentionHours ?? 0) * 3_600,
    written: stats.wiredTiger.cursor['insert key and value bytes'],
    writes: opcounters.insert + opcounters.update + opcounters.delete,
    reads: opcounters.query + opcounters.getmore,
  };
}

/**
 * Returns the statistics of a server's oplog. An aggregation, because shards of 8.0 refuse `collStats` over a direct connection (by its
 * documentation; not tried).
 */
export async function storageOfOplog(client: MongoClient): Promise<Document> {
  const pipeline = [{ $collStats: { storageStats: {} } }];
  const command = { aggregate: 'oplog.rs', pipeline, cursor: {}, readConcern: { level: 'local' } };
  const { cursor } = await client.db('local').command(command);
  return cursor.firstBatch[0].storageStats;
}

/** The increment orders operations within a second; no server does a million operations in one. */
export function secondsOf(time: Timestamp): number {
  return time.getHighBits() + time.getLowBits() / 1_000_000;
}
