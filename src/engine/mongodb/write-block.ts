import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { NotNow } from './failure-policy.ts';
import { privilegesOf } from './privileges.ts';

/**
 * The block waits for open transactions, and everything else queues behind it, so it gives up soon and traffic goes on until the next
 * try (§8.2). Then it waits for the majority of the members: that took up to 1.2 times as long as another write's majority (6.0.5, with
 * 20 to 100 ms of delay between the members).
 */
export const LEAST_BLOCK_LIMIT_MS = 200;
const TIMES_MAJORITY = 3;
/** For as long, at worst, all traffic of the source queues. */
export const MOST_BLOCK_LIMIT_MS = 5_000;
const SAMPLES = 5;

/** For whoever has to lift a block by hand. */
export const LIFT_COMMAND = 'db.adminCommand({setUserWriteBlockMode: 1, global: false})';

const MAX_TIME_EXPIRED = 50;
const LOCK_TIMEOUT = 24;
const UNAUTHORIZED = 13;
/** The mode that `serverStatus` shows of a cluster whose users are blocked. */
const BLOCKED = 2;

/** How long setting the block may take, and how long the slowest majority of a few took just before. */
export interface BlockLimit {
  readonly limitMs: number;
  readonly majorityMs: number;
}

/**
 * How long setting the block may take, by how long the cluster takes to acknowledge a write with its majority just now.
 * @throws NotNow when that is too long to stop all traffic for it
 */
export async function blockLimit(client: MongoClient): Promise<BlockLimit> {
  let slowest = 0;
  for (let n = 0; n < SAMPLES && slowest < MOST_BLOCK_LIMIT_MS; n += 1) {
    const beganAt = performance.now();
    const note = { appendOplogNote: 1, data: { linkspan: 'majority' } };
    await client.db('admin').command({ ...note, writeConcern: { w: 'majority' } });
    slowest = Math.max(slowest, performance.now() - beganAt);
  }
  const majorityMs = Math.round(slowest);
  const limitMs = LEAST_BLOCK_LIMIT_MS + TIMES_MAJORITY * majorityMs;
  if (limitMs <= MOST_BLOCK_LIMIT_MS) return { limitMs, majorityMs };
  throw new NotNow(
    `the source takes ${majorityMs} ms to acknowledge a write with majority, too long to stop its traffic for that`,
  );
}

/**
 * Tries to block users' writes on a whole cluster.
 * @param limitMs  how long that may take
 * @returns false when something in progress, or a slow majority, kept it from doing so in time
 */
export async function tryToBlockWrites(client: MongoClient, limitMs: number): Promise<boolean> {
  try {
    await setBlock(client, { global: true, maxTimeMS: limitMs });
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && (error.code === MAX_TIME_EXPIRED || error.code === LOCK_TIMEOUT))
      return false;
    throw error;
  }
}

/** Lets users write again. Harmless where nothing is blocked. */
export async function unblockWrites(client: MongoClient): Promise<void> {
  await setBlock(client, { global: false });
}

/** Whether users' writes are blocked on a cluster. @returns undefined when the user may not ask */
export async function writesAreBlocked(client: MongoClient): Promise<boolean | undefined> {
  // All but what is asked for would be slow to gather.
  const command = { serverStatus: 1, metrics: 0, tcmalloc: 0, wiredTiger: 0, locks: 0 };
  try {
    const { repl } = await client.db('admin').command(command);
    return repl?.userWriteBlockMode === BLOCKED;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return undefined;
    throw error;
  }
}

/** Whether this client's user may set the block and write through it. Without authentication nobody can (§8.3). */
export async function canWriteThroughBlock(client: MongoClient): Promise<boolean> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return false;
  return privileges.hasOnCluster('setUserWriteBlockMode') && privileges.hasOnCluster('bypassWriteBlockingMode');
}

/** What is in progress that a block would wait for or abort: long transactions, users' index builds (§8.2). */
export async function writeBlockObstacles(client: MongoClient): Promise<string[]> {
  const OLD_TRANSACTION_MICROS = 100_000;
  const pipeline = [
    { $currentOp: { allUsers: true, idleSessions: true } },
    {
      $match: {
        $or: [
          { 'transaction.timeOpenMicros': { $gt: OLD_TRANSACTION_MICROS } },
          { 'command.createIndexes': { $exists: true }, ns: { $not: /^(admin|config|local)\./ } },
        ],
      },
    },
    { $project: { ns: 1, 'command.createIndexes': 1, 'transaction.timeOpenMicros': 1, appName: 1 } },
  ];
  // `$currentOp` takes no read concern but local.
  const operations = await client
    .db('admin')
    .aggregate(pipeline, { readConcern: { level: 'local' } })
    .toArray();
  return operations.map(describe);
}

function describe(operation: Document): string {
  const who = operation.appName ? ` of ${operation.appName}` : '';
  if (operation.transaction)
    return `a transaction${who} is open since ${Math.round(operation.transaction.timeOpenMicros / 1000)} ms`;
  return `an index is being built${who} on ${operation.ns}`;
}

async function setBlock(client: MongoClient, fields: Document): Promise<void> {
  await client.db('admin').command({ setUserWriteBlockMode: 1, ...fields });
}
