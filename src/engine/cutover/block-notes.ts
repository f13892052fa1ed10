import { type Document, type MongoClient, Timestamp } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { isBefore, operationTimeOf } from '../mongodb/cluster-time.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import { MAJORITY_WITHIN_MS } from '../mongodb/write-block.ts';
import {
  type BlockEvent,
  type BlockReading,
  blockStateAfter,
  CLAIM_LASTS_SECONDS,
  type Claim,
  type ClaimStep,
  NOTHING_KNOWN,
  SET_BY_HAND,
} from './block-history.ts';

/** Where a server keeps its write block: one document while it is set (tried on 6.0.5). */
const BLOCKS = { database: 'config', name: 'user_writes_critical_sections' };
const BLOCK_NAMESPACE = `${BLOCKS.database}.${BLOCKS.name}`;
const OPLOG = 'oplog.rs';
/** While users are blocked the oplog hardly grows, so the entries are near its end. */
const READ_WITHIN_MS = 20_000;
/** Then the wait for the majority gets a word. The note is repeated, which changes nothing. */
const NOTE_WITHIN_MS = 10_000;

type Level = 'majority' | 'local';

/** An engine's note in the source's oplog. Barriers are text notes instead. */
interface ClaimNote {
  readonly block: ClaimStep;
  readonly claim: Claim;
}

/**
 * Writes a step of a claim to the source's oplog, acknowledged by the majority. This needs no privilege to write data,
 * and works under the block.
 * @returns a cluster time at or after the note
 */
export async function appendNote(source: MongoClient, step: ClaimStep, claim: Claim): Promise<Timestamp> {
  const linkspan: ClaimNote = { block: step, claim };
  const isOpening = step === 'opening' || step === 'opening-uncommitted';
  const writeConcern = { w: 'majority', wtimeout: isOpening ? MAJORITY_WITHIN_MS : NOTE_WITHIN_MS };
  const command = { appendOplogNote: 1, data: { linkspan }, writeConcern };
  return operationTimeOf(await source.db('admin').command(command), 'source');
}

/** Returns a cluster time at or after all that the primary has. */
export async function timeOf(source: MongoClient): Promise<Timestamp> {
  return operationTimeOf(await source.db('admin').command({ ping: 1 }), 'source');
}

/**
 * Reads the state of the block from the source's oplog, up to `time` or a little later.
 * @param earlier  the read continues from there: on a busy source the minute before the block is long, and users may be
 * waiting
 * @returns undefined when the user may not read it
 */
export async function readNotes(
  source: MongoClient,
  time: Timestamp,
  earlier?: BlockReading,
  level: Level = 'majority',
): Promise<BlockReading | undefined> {
  return await unlessUnauthorized(async () => {
    const before = earlier ?? (await beforeAllThatCounts(source, time, level));
    const filter = {
      ts: { $gt: before.upTo },
      $or: [
        { ns: BLOCK_NAMESPACE, op: { $in: ['i', 'd'] } },
        { op: 'n', 'o.linkspan.block': { $exists: true } },
      ],
    };
    const entries = await readOplog(source, { filter }, time, level);
    const latest: Timestamp = entries.at(-1)?.ts ?? time;
    return {
      state: blockStateAfter(entries.map(eventOf), before.state),
      upTo: isBefore(time, latest) ? latest : time,
    };
  });
}

/**
 * Whether a cluster's oplog has the note with which a cutover announced its commit, after the users' last write.
 * @param after  a time before the note
 * @returns undefined when the oplog no longer reaches back to that, or the user may not read it
 */
export async function hasAnnounced(source: MongoClient, claim: string, after: Timestamp): Promise<boolean | undefined> {
  const time = await timeOf(source);
  const announced: ClaimStep = 'committing';
  const filter = { ts: { $gt: after }, op: 'n', 'o.linkspan.block': announced, 'o.linkspan.claim.id': claim };
  return await unlessUnauthorized(async () => {
    const [note] = await readOplog(source, { filter, limit: 1 }, time);
    if (note !== undefined) return true;
    const [oldest] = await readOplog(source, { sort: { $natural: 1 }, limit: 1 }, time);
    // rule: lost-oplog-is-no-answer
    return oldest === undefined || isBefore(after, oldest.ts) ? undefined : false;
  });
}

/** Whether the user may read whose the block of a replica set is. */
export async function canReadBlockState(source: MongoClient): Promise<boolean> {
  const look = async () => {
    // rule: needs-oplog-for-block-owner
    await source.db('local').command({ find: OPLOG, limit: 1, projection: { _id: 1 } });
    // rule: needs-block-for-block-owner
    await source.db(BLOCKS.database).command({ find: BLOCKS.name, limit: 1 });
    return true;
  };
  return (await unlessUnauthorized(look)) ?? false;
}

/**
 * Returns the state that all entries that count come after: a little before the block was set, or a minute before
 * `time`. A block whose entry the oplog no longer has counts as set by hand.
 */
async function beforeAllThatCounts(source: MongoClient, time: Timestamp, level: Level): Promise<BlockReading> {
  const set = await whenSet(source, time, level);
  const now = time.getHighBits();
  const seconds = Math.min(set === 'unknown' ? now : (set ?? now), now) - CLAIM_LASTS_SECONDS;
  const upTo = new Timestamp({ t: Math.max(0, seconds), i: 0 });
  return { state: set === 'unknown' ? SET_BY_HAND : NOTHING_KNOWN, upTo };
}

/**
 * Returns the second in which the block was set; undefined when it isn't set, and `unknown` when the oplog no longer
 * reaches back to that.
 */
async function whenSet(source: MongoClient, time: Timestamp, level: Level): Promise<number | 'unknown' | undefined> {
  const find = { find: BLOCKS.name, limit: 1, readConcern: { level, afterClusterTime: time } };
  const { cursor } = await source.db(BLOCKS.database).command({ ...find, maxTimeMS: READ_WITHIN_MS });
  if (cursor.firstBatch.length === 0) return undefined;
  const last = { filter: { ns: BLOCK_NAMESPACE, op: 'i' }, sort: { $natural: -1 }, limit: 1 };
  const [entry] = await readOplog(source, last, time, level);
  // rule: block-of-unknown-age
  return entry?.ts.getHighBits() ?? 'unknown';
}

async function readOplog(
  source: MongoClient,
  query: Document,
  afterClusterTime: Timestamp,
  level: Level = 'majority',
): Promise<Document[]> {
  const readConcern = { level, afterClusterTime };
  const projection = { ts: 1, op: 1, 'o.linkspan': 1 };
  const command = { find: OPLOG, projection, maxTimeMS: READ_WITHIN_MS, ...query, readConcern };
  return (await readAll(source, 'local', command)).map((bytes) => decode(bytes));
}

function eventOf({ op, ts, o }: Document): BlockEvent {
  const seconds = ts.getHighBits();
  if (op !== 'n') return { step: op === 'd' ? 'lifted' : 'set', seconds };
  const { block, claim }: ClaimNote = o.linkspan;
  return { step: block, claim, seconds };
}
