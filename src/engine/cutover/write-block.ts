import { type Document, type MongoClient, MongoServerError } from 'mongodb';
import { privilegesOf } from '../preflight/privileges.ts';

/**
 * The block waits for open transactions, and everything else queues behind it, so it gives up soon and traffic goes on until the next
 * try (§8.2).
 */
const GIVE_UP_AFTER_MS = 200;

/** For whoever has to lift a block by hand. */
export const LIFT_COMMAND = 'db.adminCommand({setUserWriteBlockMode: 1, global: false})';

const MAX_TIME_EXPIRED = 50;
const LOCK_TIMEOUT = 24;
const UNAUTHORIZED = 13;
/** What `serverStatus` says of a cluster whose users are blocked. */
const BLOCKED = 2;

/** Tries to block users' writes on a whole cluster. @returns false when something in progress kept it from doing so in time */
export async function tryToBlockWrites(client: MongoClient): Promise<boolean> {
  try {
    await setBlock(client, { global: true, maxTimeMS: GIVE_UP_AFTER_MS });
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
