import type { Document, MongoClient, Timestamp, UUID } from 'mongodb';
import type { DocumentBatch } from '../bson/document-batch.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import { OPLOG_KEY_FIELDS, OplogKeys, readOperation } from './oplog-keys.ts';

const BATCH_ENTRIES = 10_000;

/** A part of the oplog. */
export interface OplogRange {
  /** Exclusive. */
  readonly after: Timestamp;
  /** Inclusive. */
  readonly to: Timestamp;
}

/**
 * Reads a part of the destination's oplog, and returns the documents that other clients wrote there. Each write of the
 * engine goes through the fence, whose sessions the server notes in the oplog, also for transactions (tried on 6.0.5
 * and 6.0.27). A change stream doesn't show sessions.
 * @param capped  the capped collections of the migration, whose deletes without a session {@link readDiscards} reads
 * @returns undefined when the oplog no longer reaches back to `after`
 * @throws MongoServerError Unauthorized when the user may not read the oplog; `clusterMonitor` may
 */
export async function readExternalWrites(
  fence: Fence,
  { after, to }: OplogRange,
  capped: readonly UUID[],
): Promise<OplogKeys | undefined> {
  const { client } = fence;
  const writes = new OplogKeys();
  const filter = {
    op: { $ne: 'n' }, // The collection of an operation that no rule knows is compared as a whole.
    'lsid.id': { $nin: fence.sessionIds },
    ns: { $not: new RegExp(`^${INTERNAL_DATABASE}\\.`) },
    // rule: ignore-capped-discards
    $nor: [discardsOf(capped)],
  };
  for await (const batch of readEntries(client, { after, to }, filter)) {
    if (batch === 'overwritten') return undefined;
    for (const entry of batch) writes.take(entry);
  }
  // Checked last: an entry that is still there now was there during the whole read.
  const oldest = { find: 'oplog.rs', projection: { ts: 1 }, sort: { $natural: 1 }, limit: 1, singleBatch: true };
  const { cursor: oldestFound } = await client.db('local').command(oldest);
  const [kept] = oldestFound.firstBatch as { readonly ts: Timestamp }[];
  return kept === undefined || isBefore(after, kept.ts) ? undefined : writes;
}

/**
 * Reads which documents capped collections of the destination lost by deletes without a session. A server notes in this
 * way the documents that such a collection discards to make room for an insert of any client, and those that
 * `deleteMany` deletes (tried on 6.0.5 and 6.0.27).
 * @returns the keys by the UUID of the collection, in hexadecimal
 * @throws MongoServerError like {@link readExternalWrites}, which has to be called after this: only it sees whether the
 * oplog still reaches back
 */
export async function* readDiscards(
  { client }: Fence,
  { after, to }: OplogRange,
  capped: readonly UUID[],
): AsyncGenerator<ReadonlyMap<string, readonly DocumentKey[]>> {
  if (capped.length === 0 || !isBefore(after, to)) return;
  for await (const batch of readEntries(client, { after, to }, discardsOf(capped)))
    if (batch !== 'overwritten') yield deletedKeys(batch);
}

/** Reads entries in batches, the last of which says when the oplog was overwritten faster than it was read. */
async function* readEntries(
  client: MongoClient,
  { after, to }: OplogRange,
  filter: Document,
): AsyncGenerator<DocumentBatch | 'overwritten'> {
  const find = {
    find: 'oplog.rs',
    filter: { ts: { $gt: after, $lte: to }, ...filter },
    projection: OPLOG_KEY_FIELDS,
    batchSize: BATCH_ENTRIES,
    readConcern: { level: 'majority', afterClusterTime: to },
  };
  try {
    const [cursor, first] = await RawCursor.open(client, 'local', find);
    await using _ = cursor;
    for (let batch = first; ; batch = await cursor.next({ batchSize: BATCH_ENTRIES })) {
      yield batch.documents;
      if (!cursor.open) return;
    }
  } catch (error) {
    // Here `history-lost` is CappedPositionLost.
    if (classify(error) !== 'history-lost') throw error;
    // rule: oplog-overwritten-while-read
    yield 'overwritten';
  }
}

function discardsOf(capped: readonly UUID[]): Document {
  return { op: 'd', lsid: { $exists: false }, ui: { $in: capped } };
}

function deletedKeys(entries: Iterable<Buffer>): ReadonlyMap<string, readonly DocumentKey[]> {
  const byCollection = new Map<string, DocumentKey[]>();
  for (const entry of entries) {
    const { id, key } = readOperation(entry);
    if (id === undefined || key === undefined) continue;
    const keys = byCollection.get(id);
    if (keys === undefined) byCollection.set(id, [key]);
    else keys.push(key);
  }
  return byCollection;
}
