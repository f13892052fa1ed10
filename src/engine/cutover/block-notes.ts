import { type Document, type MongoClient, Timestamp } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { isBefore, operationTimeOf } from '../mongodb/cluster-time.ts';
import { electionOf } from '../mongodb/election.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { isUnsatisfied, MAJORITY_WITHIN_MS } from '../mongodb/write-block.ts';
import {
  type BlockEvent,
  type BlockReading,
  blockStateAfter,
  CLAIM_LASTS_SECONDS,
  type Claim,
  type ClaimStep,
  type Holder,
  NOTHING_KNOWN,
  SET_BY_HAND,
} from './block-history.ts';
import { readBlockRecord, recordStep } from './block-record.ts';

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
 * Writes a note to the source's oplog, acknowledged by the majority, and reads who holds the block at that time.
 * Everybody whose note comes later sees this one. A sharded source has a record instead, since routers show no oplog.
 * @param earlier  the read continues from there: on a busy source the minute before the block is long, and users may be
 * waiting
 * @returns undefined when the oplog can't be read; the note is written anyway
 */
export async function noteAndRead(
  source: MongoClient,
  step: ClaimStep,
  claim: Claim,
  earlier?: BlockReading,
): Promise<BlockReading | undefined> {
  // rule: record-of-sharded-block
  if (isSharded(source)) return await recordStep(source, step, claim);
  return await readUpTo(source, await appendNote(source, step, claim), earlier);
}

async function readUpTo(
  source: MongoClient,
  time: Timestamp,
  earlier: BlockReading | undefined,
  level: Level = 'majority',
): Promise<BlockReading | undefined> {
  return await unlessRefused(
    (async () => {
      const before = earlier ?? (await beforeAllThatCounts(source, time, level));
      const entries = await readEntries(source, time, before.upTo, level);
      const latest: Timestamp = entries.at(-1)?.ts ?? time;
      return {
        state: blockStateAfter(entries.map(eventOf), before.state),
        upTo: isBefore(time, latest) ? latest : time,
      };
    })(),
  );
}

/**
 * Notes that the block is about to be lifted, and reads who holds it, as `noteAndRead`. Where the majority doesn't have
 * the note in time, the oplog of the primary decides: without a majority no engine can announce a commit, and users wait.
 * @param election  the one before; another primary may lack the note
 */
export async function noteOpening(
  source: MongoClient,
  step: 'opening' | 'opening-uncommitted',
  claim: Claim,
  election: string,
): Promise<BlockReading | undefined> {
  try {
    return await noteAndRead(source, step, claim);
  } catch (error) {
    // rule: open-without-majority
    if (!isUnsatisfied(error)) throw error;
    const time = operationTimeOf(await source.db('admin').command({ ping: 1 }), 'source');
    const reading = await readUpTo(source, time, undefined, 'local');
    if ((await electionOf(source)) !== election) throw new NotNow('another primary was elected');
    return reading;
  }
}

/** Writes a note without reading who holds the block. */
export async function writeNote(source: MongoClient, step: ClaimStep, claim: Claim): Promise<void> {
  if (isSharded(source)) await recordStep(source, step, claim);
  else await appendNote(source, step, claim);
}

/**
 * Writes a note to the source's oplog, acknowledged by the majority. This needs no privilege to write data, and works
 * under the block.
 * @returns a cluster time at or after the note
 */
async function appendNote(source: MongoClient, step: ClaimStep, claim: Claim): Promise<Timestamp> {
  const linkspan: ClaimNote = { block: step, claim };
  const isOpening = step === 'opening' || step === 'opening-uncommitted';
  const writeConcern = { w: 'majority', wtimeout: isOpening ? MAJORITY_WITHIN_MS : NOTE_WITHIN_MS };
  const command = { appendOplogNote: 1, data: { linkspan }, writeConcern };
  return operationTimeOf(await source.db('admin').command(command), 'source');
}

/** Another attempt that would keep a claim from holding the block now, and the reading that shows it. */
export interface Obstacle {
  readonly holder: Holder | undefined;
  readonly reading: BlockReading;
}

/**
 * Returns the claim of another attempt that would keep this one from holding the block now.
 * @param earlier  the read continues from there
 * @returns `unseen` when the user may not read it
 */
export async function readObstacle(
  source: MongoClient,
  claim: Claim,
  earlier?: BlockReading,
): Promise<Obstacle | 'unseen'> {
  const time = operationTimeOf(await source.db('admin').command({ ping: 1 }), 'source');
  const reading = isSharded(source) ? await readBlockRecord(source) : await readUpTo(source, time, earlier);
  if (reading === undefined) return 'unseen';
  const ifClaimed: BlockEvent = { step: 'claimed', claim, seconds: time.getHighBits() };
  const { holder } = blockStateAfter([ifClaimed], reading.state);
  return { holder: holder?.id === claim.id ? undefined : holder, reading };
}

/**
 * Whether a cluster's oplog has the note with which a cutover announced its commit, after the users' last write.
 * @param after  a time before the note
 * @returns undefined when the oplog no longer reaches back to that, or the user may not read it
 */
export async function hasAnnounced(source: MongoClient, claim: string, after: Timestamp): Promise<boolean | undefined> {
  const time = operationTimeOf(await source.db('admin').command({ ping: 1 }), 'source');
  const announced: ClaimStep = 'committing';
  const filter = { ts: { $gt: after }, op: 'n', 'o.linkspan.block': announced, 'o.linkspan.claim.id': claim };
  return await unlessRefused(
    (async () => {
      const [note] = await readOplog(source, { filter, limit: 1 }, time);
      if (note !== undefined) return true;
      const [oldest] = await readOplog(source, { sort: { $natural: 1 }, limit: 1 }, time);
      // rule: lost-oplog-is-no-answer
      return oldest === undefined || isBefore(after, oldest.ts) ? undefined : false;
    })(),
  );
}

/** Whether the user may read who holds the block of a replica set. */
export async function canReadBlockState(source: MongoClient): Promise<boolean> {
  const look = async () => {
    await source.db('local').command({ find: OPLOG, limit: 1, projection: { _id: 1 } });
    await source.db(BLOCKS.database).command({ find: BLOCKS.name, limit: 1 });
    return true;
  };
  return (await unlessRefused(look())) ?? false;
}

/** Returns entries about the block after `from`, up to `time` or a little later. */
async function readEntries(source: MongoClient, time: Timestamp, from: Timestamp, level: Level): Promise<Document[]> {
  const filter = {
    ts: { $gt: from },
    $or: [
      { ns: BLOCK_NAMESPACE, op: { $in: ['i', 'd'] } },
      { op: 'n', 'o.linkspan.block': { $exists: true } },
    ],
  };
  return await readOplog(source, { filter }, time, level);
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

async function unlessRefused<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isUnauthorized(error)) return undefined;
    throw error;
  }
}
