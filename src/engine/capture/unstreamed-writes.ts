import { type MongoClient, Timestamp } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { elementNamed } from '../bson/elements.ts';
import { isBefore, timeOfToken, writeBarrier } from '../mongodb/cluster-time.ts';
import { isUserDatabase } from '../mongodb/namespaces.ts';
import { RawCursor, readAll } from '../mongodb/raw-cursor.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { readChangeEvent } from './change-event.ts';
import { OPLOG_KEY_FIELDS, OplogKeys, readOperation } from './oplog-keys.ts';

/** Selects documents that `convertToCapped` and `cloneCollectionAsCapped` insert, which change streams omit. */
const CONVERSION = { fromMigrate: true };

/**
 * Selects groups of documents, which streams may omit: changes by the command `applyOps`. Transactions are stored as
 * `applyOps` too, but with a number in their session (docs/adr/0021-unstreamed-writes.md lists the experiments).
 */
const GROUP = { op: 'c', 'o.applyOps': { $exists: true }, txnNumber: { $exists: false } };

/** A stream that shows groups need not show what is inside an operation of a group. */
const NESTED_GROUP = { ...GROUP, 'o.applyOps.o.applyOps': { $exists: true } };

/**
 * The sources whose streams have shown a group. Since 8.0, `insertMany` writes groups, and asking a stream about all of
 * them would read the oplog twice.
 */
const SHOW_GROUPS = new WeakSet<MongoClient>();

/** The operations of MongoDB 5.0 to 9.0, without those that only tests and features that are off write. */
const OPERATIONS = ['i', 'u', 'd', 'c', 'n'];

/**
 * The commands of those operations. `importCollection` and `upgradeDowngradeViewlessTimeseries` change collections
 * without an event, so they are missing. `emptycapped` needs a server with test commands, and the ends of capped
 * collections are compared anyway.
 */
const COMMANDS = [
  'abortIndexBuild',
  'abortTransaction',
  'applyOps',
  'collMod',
  'commitIndexBuild',
  'commitTransaction',
  'create',
  'createDatabaseMetadata',
  'createIndexes',
  'dbCheck',
  'deleteIndexes',
  'drop',
  'dropDatabase',
  'dropDatabaseMetadata',
  'dropIndexes',
  'emptycapped',
  'invalidateCollectionMetadata',
  'modifyCollectionShardingIndexCatalog',
  'renameCollection',
  'startIndexBuild',
  'truncateRange',
  'updateCollectionMetadata',
];

/** Selects oplog entries that no rule knows. Change streams may omit them. */
export const UNKNOWN = {
  $or: [
    { op: { $nin: OPERATIONS } },
    { op: 'c', $nor: COMMANDS.map((name) => ({ [`o.${name}`]: { $exists: true } })) },
  ],
};

const BATCH_ENTRIES = 10_000;
const BATCH_EVENTS = 1_000;
const BARRIER_WAIT_MS = 20;

/** A part of the oplog that the majority has; `after` is exclusive, `to` is inclusive. */
interface Range {
  readonly after: Timestamp;
  readonly to: Timestamp;
}

/**
 * Reads the writes without events in a part of the oplog.
 * @param passed  returns a time that a change stream reaches soon, and that isn't before the range. By default it writes a barrier
 * @returns undefined when the oplog no longer reaches back to the beginning of that part
 * @throws UserError UNKNOWN_OPERATION when an entry is one that no rule knows
 */
export async function readUnstreamedWrites(
  source: MongoClient,
  features: SourceFeatures,
  { after, to }: Range,
  passed?: () => Promise<Timestamp>,
): Promise<OplogKeys | undefined> {
  const found = new OplogKeys();
  const grouped = new OplogKeys();
  const times: Timestamp[] = [];
  for await (const entry of readEntries(source, { after, to })) {
    if (elementNamed(entry, 'fromMigrate') !== undefined) {
      found.take(entry);
      continue;
    }
    if (!isGroup(entry)) {
      // rule: refuse-unknown-operations
      await refuseUnknown(source, timeOf(entry));
      continue;
    }
    const group = new OplogKeys();
    group.take(entry);
    if (group.isEmpty) continue;
    grouped.add(group);
    times.push(timeOf(entry));
  }
  // Checked last: an entry that is still there now was there during the whole read.
  const oldest = { find: 'oplog.rs', projection: { ts: 1 }, sort: { $natural: 1 }, limit: 1, singleBatch: true };
  const { cursor } = await source.db('local').command(oldest);
  const [first] = cursor.firstBatch as { readonly ts: Timestamp }[];
  // rule: oplog-reaches-position
  if (first === undefined || isBefore(after, first.ts)) return undefined;
  // Newer servers store other deletes of many documents in the same form, and their streams show those (from the
  // server's source; not tried). One entry that isn't shown makes all count: reading a document again does no harm.
  const shown = await areShown(source, features, times, passed);
  if (!shown) found.add(grouped);
  // All members of a set with this level show groups, whichever becomes the primary.
  // rule: groups-of-all-members
  if (features.mayShowGroups && shown && times.length > 0) SHOW_GROUPS.add(source);
  return found;
}

async function* readEntries(source: MongoClient, { after, to }: Range): AsyncGenerator<Buffer> {
  const [cursor, first] = await RawCursor.open(source, 'local', {
    find: 'oplog.rs',
    filter: {
      ts: { $gt: after, $lte: to },
      $or: [
        // rule: search-conversions
        CONVERSION,
        // rule: search-nested-groups
        SHOW_GROUPS.has(source) ? NESTED_GROUP : GROUP,
        ...UNKNOWN.$or,
      ],
    },
    projection: OPLOG_KEY_FIELDS,
    batchSize: BATCH_ENTRIES,
    readConcern: { level: 'majority', afterClusterTime: to },
  });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: BATCH_ENTRIES })) {
    yield* batch.documents;
    if (!cursor.open) return;
  }
}

function isGroup(entry: Buffer): boolean {
  const { op, change } = readOperation(entry);
  return op === 'c' && change !== undefined && elementNamed(change, 'applyOps') !== undefined;
}

/** @throws UserError UNKNOWN_OPERATION unless the entry concerns only the server's own databases */
async function refuseUnknown(source: MongoClient, ts: Timestamp): Promise<void> {
  const command = { find: 'oplog.rs', filter: { ts }, limit: 1, singleBatch: true };
  const [entry] = (await readAll(source, 'local', command)).map((bytes) => decode(bytes));
  if (entry === undefined) return; // The check of the oplog's beginning follows.
  const { op, ns, o } = entry;
  if (ns !== '' && !isUserDatabase(String(ns).split('.')[0] ?? '')) return;
  const name = op === 'c' ? Object.keys(o)[0] : op;
  throw new UserError('UNKNOWN_OPERATION', [`the operation ${name} of ${ns} in the oplog`]);
}

function timeOf(entry: Buffer): Timestamp {
  const time = elementNamed(entry, 'ts');
  if (time === undefined) throw new RangeError('Entry of the oplog without a time');
  return new Timestamp(entry.readBigUInt64LE(time.valueStart));
}

/** Whether the source's change streams show all oplog entries of these times. @param times  ascending */
export async function areShown(
  source: MongoClient,
  features: SourceFeatures,
  times: readonly Timestamp[],
  // Without a barrier, a quiet source takes 10 s to report that the stream has passed that time.
  passed: () => Promise<Timestamp> = () => writeBarrier(source),
): Promise<boolean> {
  const [first] = times;
  if (first === undefined) return true;
  const showsAll = features.showsCatalogChanges;
  const end = await passed();
  const [cursor, opened] = await RawCursor.open(source, 'admin', {
    aggregate: 1,
    pipeline: [
      {
        $changeStream: {
          allChangesForCluster: true,
          ...(showsAll ? { showExpandedEvents: true, showSystemEvents: true } : {}),
          startAtOperationTime: first,
        },
      },
      { $project: { operationType: 1, clusterTime: 1, ns: 1, documentKey: 1, collectionUUID: 1 } },
    ],
    cursor: { batchSize: BATCH_EVENTS },
    readConcern: { level: 'majority' },
  });
  await using _ = cursor;
  let shown = 0;
  const options = { batchSize: BATCH_EVENTS, maxTimeMS: BARRIER_WAIT_MS };
  for (let batch = opened; ; batch = await cursor.next(options)) {
    for (const event of batch.documents) {
      const { time } = readChangeEvent(event, showsAll);
      const next = times[shown];
      if (next === undefined) return true;
      if (time.equals(next)) shown += 1;
      else if (isBefore(next, time)) return false;
    }
    // rule: last-entry-shown
    if (shown === times.length) return true;
    const { postBatchResumeToken } = batch;
    if (postBatchResumeToken !== undefined && !isBefore(timeOfToken(postBatchResumeToken), end)) return false;
  }
}
