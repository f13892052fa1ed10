import { setTimeout as delay } from 'node:timers/promises';
import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
import { endingDeadlocks } from './block-deadlock.ts';
import { electionOf } from './election.ts';
import { NotNow } from './failure-policy.ts';
import { privilegesOf } from './privileges.ts';
import { silentShards } from './shard-clients.ts';
import { isSharded, listReshardings } from './sharding.ts';
import { unlessUnauthorized } from './unauthorized.ts';

/**
 * The shortest time limit for setting the block. The block waits for open transactions, and all other operations queue
 * behind it. So an attempt must fail soon, and traffic resumes until the next one. Then the block waits for the
 * majority of the members, hence `TIMES_MAJORITY` (docs/reference/mongodb-behaviour.md#fact-8-2).
 */
export const LEAST_BLOCK_LIMIT_MS = 200;
// rule: block-time-by-majority
const TIMES_MAJORITY = 3;
/** The longest time limit: at worst, all traffic of the source queues for this long. */
export const MOST_BLOCK_LIMIT_MS = 5_000;
const SAMPLES = 5;

/**
 * The time limit on a sharded cluster. Its config server continues to set the block after the command's time limit, and
 * refuses to lift it meanwhile (117). So ending an attempt early saves no time. Servers abort transactions after 60 s
 * (`transactionLifetimeLimitSeconds`).
 */
export const SHARDS_BLOCK_LIMIT_MS = 90_000;
const ASK_SHARDS_EVERY_MS = 1_000;
/** An election takes about 12 s. A shard that doesn't answer for longer keeps the block from being set. */
const SHARDS_ANSWER_WITHIN_MS = 15_000;
const ASK_FOR_LIFT_EVERY_MS = 100;
/**
 * Time for the driver to send a command to a sharded cluster, and for a router to repeat the lift. Twice this, and the
 * 30 s in which an engine acts, are less than the minute for which other engines wait.
 */
const SEND_TO_SHARDS_WITHIN_MS = 10_000;
/** How long a lift waits for the majority of a replica set before its engine says so and asks again. */
const LIFT_WITHIN_MS = 10_000;

/** For an operator who has to lift a block by hand. */
export const LIFT_COMMAND = 'db.adminCommand({setUserWriteBlockMode: 1, global: false})';

/** How long a step that opens a cluster waits for the majority before it does without. Users are waiting. */
export const MAJORITY_WITHIN_MS = 1_000;
const NOT_CONFIRMED = 'may not have the end of its write block yet';

const MAX_TIME_EXPIRED = 50;
const WRITE_CONCERN_FAILED = 64;
const LOCK_TIMEOUT = 24;
const CONFLICTING_OPERATION_IN_PROGRESS = 117;
const ILLEGAL_OPERATION = 20;
/** The mode in `serverStatus` of a cluster that blocks its users' writes. */
const BLOCKED = 2;

/** The time limit for setting the block, and the slowest of a few majority writes just before. */
export interface BlockLimit {
  readonly limitMs: number;
  readonly majorityMs: number;
}

/**
 * Derives the time limit for setting the block from how long the cluster takes now to acknowledge a write with
 * majority.
 * @throws NotNow when that is too long to stop all traffic for it
 */
export async function blockLimit(client: MongoClient): Promise<BlockLimit> {
  let slowest = 0;
  for (let n = 0; n < SAMPLES && slowest < MOST_BLOCK_LIMIT_MS; n += 1) {
    const beganAt = performance.now();
    const note = { appendOplogNote: 1, data: { linkspan: 'majority' } };
    await client.db('admin').command({ ...note, writeConcern: { w: 'majority', wtimeout: MOST_BLOCK_LIMIT_MS } });
    slowest = Math.max(slowest, performance.now() - beganAt);
  }
  const majorityMs = Math.round(slowest);
  const limitMs = LEAST_BLOCK_LIMIT_MS + TIMES_MAJORITY * majorityMs;
  if (limitMs <= MOST_BLOCK_LIMIT_MS) return { limitMs, majorityMs };
  throw new NotNow(
    `the source takes ${majorityMs} ms to acknowledge a write with majority, too long to stop its traffic for that`,
  );
}

/** A write block that was set. */
export interface BlockSet {
  /** A time of the cluster after all writes that users were allowed; undefined when the server doesn't say. */
  readonly setAt: Timestamp | undefined;
}

/**
 * Tries to block users' writes on the whole cluster.
 * @param limitMs  time limit; on a sharded cluster it is {@link SHARDS_BLOCK_LIMIT_MS}
 * @param confirm  runs before a sharded cluster is asked again; throws when the block must not be set any more
 * @returns undefined when an operation in progress, or a slow majority, prevented it
 */
export async function tryToBlockWrites(
  client: MongoClient,
  limitMs: number,
  confirm: () => Promise<void> = async () => undefined,
): Promise<BlockSet | undefined> {
  // rule: wait-out-sharded-block
  if (!isSharded(client)) return await setWithin(client, limitMs);
  // rule: end-deadlock-of-block
  return await endingDeadlocks(client, () => blockShards(client, confirm));
}

async function blockShards(client: MongoClient, confirm: () => Promise<void>): Promise<BlockSet | undefined> {
  const beganAt = performance.now();
  while (performance.now() - beganAt < SHARDS_BLOCK_LIMIT_MS) {
    // The same command joins the one that is under way.
    const set = await setWithin(client, ASK_SHARDS_EVERY_MS, AbortSignal.timeout(SEND_TO_SHARDS_WITHIN_MS));
    if (set !== undefined) return { setAt: undefined };
    const isLate = performance.now() - beganAt > SHARDS_ANSWER_WITHIN_MS;
    const silent = isLate ? await silentShards(client) : undefined;
    // rule: silent-shard-ends-attempt
    if (silent !== undefined) throw new NotNow(`its write block could not be set: ${silent} does not answer`);
    // rule: reclaim-before-asking-again
    await confirm();
  }
  return undefined;
}

async function setWithin(client: MongoClient, maxTimeMS: number, sent?: AbortSignal): Promise<BlockSet | undefined> {
  try {
    const { operationTime } = await setBlock(client, { global: true, maxTimeMS }, sent);
    return { setAt: operationTime };
  } catch (error) {
    if (sent?.aborted || hasCode(error, MAX_TIME_EXPIRED) || hasCode(error, LOCK_TIMEOUT)) return undefined;
    throw error;
  }
}

/**
 * Lets users write again, and waits until a majority has that. Has no effect when nothing is blocked.
 * @throws NotNow when that takes longer than 10 s; on a replica set, users of its primary can write
 */
export async function unblockWrites(client: MongoClient): Promise<void> {
  // rule: end-deadlock-of-lift
  if (isSharded(client)) return await endingDeadlocks(client, () => unblockShards(client));
  try {
    await setBlock(client, { global: false, maxTimeMS: LIFT_WITHIN_MS });
  } catch (error) {
    // rule: ask-again-for-lift
    if (hasCode(error, MAX_TIME_EXPIRED)) throw new NotNow(`a majority of its members ${NOT_CONFIRMED}`);
    throw error;
  }
}

/** Lets users write again, as `unblockWrites`, and doesn't wait long for the majority of a replica set. */
export async function unblockPrimary(client: MongoClient): Promise<void> {
  if (isSharded(client)) return await unblockWrites(client);
  await setBlock(client, { global: false, maxTimeMS: MAJORITY_WITHIN_MS }).catch(async (error: unknown) => {
    // A server lifts its block, and then waits for its majority (tried on 6.0.5).
    // rule: lift-without-majority
    if (!hasCode(error, MAX_TIME_EXPIRED) || (await writesAreBlocked(client)) !== false) throw error;
  });
}

/**
 * Waits until the majority of a source that is a replica set has all that its primary had before.
 * @param election  the one in which the primary had that
 * @throws NotNow when it hasn't, or another primary may lack it
 */
export async function confirmByMajority(client: MongoClient, election: string): Promise<void> {
  if (isSharded(client)) return;
  const writeConcern = { w: 'majority', wtimeout: MAJORITY_WITHIN_MS };
  const note = { appendOplogNote: 1, data: { linkspan: 'confirmed' }, writeConcern };
  await client
    .db('admin')
    .command(note)
    .catch((error: unknown) => {
      if (isUnsatisfied(error)) throw new NotNow(`a majority of its members ${NOT_CONFIRMED}`);
      throw error;
    });
  // rule: lift-again-on-new-primary
  if ((await electionOf(client)) !== election) throw new NotNow(`a new primary ${NOT_CONFIRMED}`);
}

/** Whether a command has failed only because its write concern was not satisfied in time. */
export function isUnsatisfied(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === WRITE_CONCERN_FAILED;
}

async function unblockShards(client: MongoClient): Promise<void> {
  const sent = AbortSignal.timeout(SEND_TO_SHARDS_WITHIN_MS);
  while (true) {
    try {
      // The driver's time limit doesn't reach the router by itself.
      // rule: sharded-lift-time-limit
      await setBlock(client, { global: false, maxTimeMS: SEND_TO_SHARDS_WITHIN_MS }, sent);
      return;
    } catch (error) {
      if (sent.aborted) {
        const silent = await silentShards(client).catch(() => undefined);
        const why = silent === undefined ? '' : `: ${silent} does not answer`;
        throw new NotNow(`its shards did not lift the write block within ${SEND_TO_SHARDS_WITHIN_MS} ms${why}`);
      }
      // The config server still sets the block, and lifts it only afterwards.
      if (!hasCode(error, CONFLICTING_OPERATION_IN_PROGRESS)) throw error;
      await delay(ASK_FOR_LIFT_EVERY_MS);
    }
  }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof MongoServerError && error.code === code;
}

/**
 * Whether users' writes are blocked on a cluster.
 * @returns undefined when the user may not ask
 */
export async function writesAreBlocked(client: MongoClient): Promise<boolean | undefined> {
  // rule: sharded-block-from-config
  return await unlessUnauthorized(() => (isSharded(client) ? shardsAreBlocked(client) : serverIsBlocked(client)));
}

async function shardsAreBlocked(client: MongoClient): Promise<boolean> {
  // In this order, so that a block that is shown as set was set on all shards as this looked for a lift.
  // rule: lift-under-way
  return !(await isBeingLifted(client)) && (await blockShown(client)) === 'set';
}

/** A lift opens the shards before the config server shows it. It is on record there until it has ended (tried on 6.0.5). */
async function isBeingLifted(client: MongoClient): Promise<boolean> {
  const filter = { '_id.coordinatorType': 'setUserWriteBlockMode', block: false };
  const find = { find: 'sharding_configsvr_coordinators', filter, limit: 1, readConcern: { level: 'majority' } };
  const { cursor } = await client.db('config').command(find);
  return cursor.firstBatch.length > 0;
}

/** A sharded cluster's block. `changing`: some shards may have it, and others not. */
export type BlockShown = 'none' | 'changing' | 'set';

/**
 * Returns the state of the block that a sharded cluster's config server shows. It has the same document as each shard:
 * from before the first shard is blocked until after the last one is open again, and `blockUserWrites` when all shards
 * are blocked, or some are and a lift has begun (tried on 6.0.5). A router's own status says nothing.
 * @param afterClusterTime  the state at this time or later
 */
export async function blockShown(client: MongoClient, afterClusterTime?: Timestamp): Promise<BlockShown> {
  const readConcern = { level: 'majority', ...(afterClusterTime && { afterClusterTime }) };
  const command = { find: 'user_writes_critical_sections', limit: 1, readConcern };
  const { cursor } = await client.db('config').command(command);
  const [section] = cursor.firstBatch;
  if (section === undefined) return 'none';
  return section.blockUserWrites === true ? 'set' : 'changing';
}

async function serverIsBlocked(client: MongoClient): Promise<boolean> {
  // The other sections would be slow to gather.
  const command = { serverStatus: 1, metrics: 0, tcmalloc: 0, wiredTiger: 0, locks: 0 };
  const { repl } = await client.db('admin').command(command);
  return repl?.userWriteBlockMode === BLOCKED;
}

/** Whether this client's user may set the block and write through it. Without authentication no client can. */
export async function canWriteThroughBlock(client: MongoClient): Promise<boolean> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return false;
  return privileges.hasOnCluster('setUserWriteBlockMode') && privileges.hasOnCluster('bypassWriteBlockingMode');
}

/**
 * Returns the operations that a block would wait for or abort: long transactions, index builds of users, and
 * reshardings. A block that waits for a resharding can't be lifted before that has ended, which may take hours.
 *
 * The block waits for younger transactions. On a source that takes long to acknowledge writes, all transactions last
 * longer, and the block may take longer too.
 */
export async function writeBlockObstacles(client: MongoClient, { limitMs }: BlockLimit): Promise<string[]> {
  const oldMicros = (limitMs / 2) * 1_000;
  const pipeline = [
    { $currentOp: { allUsers: true, idleSessions: true } },
    {
      $match: {
        $or: [
          { 'transaction.timeOpenMicros': { $gt: oldMicros } },
          { 'command.createIndexes': { $exists: true }, ns: { $not: /^(admin|config|local)\./ } },
        ],
      },
    },
    { $project: { ns: 1, 'command.createIndexes': 1, 'transaction.timeOpenMicros': 1, appName: 1 } },
  ];
  // `$currentOp` accepts only read concern local.
  const [operations, reshardings] = await Promise.all([
    client
      .db('admin')
      .aggregate(pipeline, { readConcern: { level: 'local' } })
      .toArray(),
    // rule: wait-for-resharding
    isSharded(client) ? listReshardings(client) : [],
  ]);
  return [...operations.map(describe), ...reshardings.map((namespace) => `${namespace} is being resharded`)];
}

function describe(operation: Document): string {
  const who = operation.appName ? ` of ${operation.appName}` : '';
  if (operation.transaction)
    return `a transaction${who} has been open for ${Math.round(operation.transaction.timeOpenMicros / 1000)} ms`;
  return `an index is being built${who} on ${operation.ns}`;
}

/**
 * @param sent  aborts the command; before it is sent, while it waits for a connection, and after
 * @throws NotNow while the block is set for another reason. Since 8.0.13 a block has one, which keeps other clients from
 *   setting and lifting it until the client that set it lifts it (SERVER-102961; not tried)
 */
async function setBlock(client: MongoClient, fields: Document, sent?: AbortSignal): Promise<Document> {
  const command = client.db('admin').command({ setUserWriteBlockMode: 1, ...fields }, { signal: sent });
  return await command.catch((error: unknown) => {
    // rule: wait-for-block-with-reason
    if (hasCode(error, ILLEGAL_OPERATION))
      throw new NotNow(
        `its write block is set for another reason, and the client that set it has to lift it: ${messageOf(error)}`,
      );
    throw error;
  });
}
