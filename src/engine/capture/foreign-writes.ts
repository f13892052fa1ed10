import type { Timestamp } from 'mongodb';
import { isBefore } from '../mongodb/cluster-time.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { OPLOG_KEY_FIELDS, OplogKeys } from './oplog-keys.ts';

const BATCH_ENTRIES = 10_000;

/**
 * Reads a part of the destination's oplog, and returns the documents that others wrote there.
 * Each write of the engine goes through the fence, whose sessions the server notes in the oplog, also for transactions
 * (tried on 6.0.5 and 6.0.27). A change stream doesn't show sessions.
 * @returns undefined when the oplog no longer reaches back to `after`
 * @throws MongoServerError Unauthorized when the user may not read the oplog; `clusterMonitor` may
 */
export async function readForeignWrites(
  fence: Fence,
  { after, to }: { readonly after: Timestamp; readonly to: Timestamp },
): Promise<OplogKeys | undefined> {
  const { client } = fence;
  const writes = new OplogKeys();
  if (!isBefore(after, to)) return writes;
  const [cursor, first] = await RawCursor.open(client, 'local', {
    find: 'oplog.rs',
    filter: {
      ts: { $gt: after, $lte: to },
      op: { $in: ['i', 'u', 'd', 'c'] },
      'lsid.id': { $nin: fence.sessionIds },
      ns: { $not: new RegExp(`^${INTERNAL_DATABASE}\\.`) },
    },
    projection: OPLOG_KEY_FIELDS,
    batchSize: BATCH_ENTRIES,
    readConcern: { level: 'majority', afterClusterTime: to },
  });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: BATCH_ENTRIES })) {
    for (const entry of batch.documents) writes.take(entry);
    if (!cursor.open) break;
  }
  // Checked last: what is still there now was there during the whole read.
  const oldest = { find: 'oplog.rs', projection: { ts: 1 }, sort: { $natural: 1 }, limit: 1, singleBatch: true };
  const { cursor: oldestFound } = await client.db('local').command(oldest);
  const [kept] = oldestFound.firstBatch as { readonly ts: Timestamp }[];
  return kept === undefined || isBefore(after, kept.ts) ? undefined : writes;
}
