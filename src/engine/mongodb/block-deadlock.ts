import { type Document, type MongoClient, MongoOperationTimeoutError, MongoServerError } from 'mongodb';

/** A shard's command that waits until it may block users' writes there. */
const WAITS_TO_BLOCK = { 'command._shardsvrSetUserWriteBlockMode': { $exists: true }, waitingForLock: true };
/** Transactions over several shards that commit: at a router's request, at their coordinator, and prepared. */
const COMMITS = [
  'command.coordinateCommitTransaction',
  'twoPhaseCommitCoordinator',
  'transaction.timePreparedMicros',
].map((field) => ({ [field]: { $exists: true } }));
const PIPELINE = [
  { $currentOp: { allUsers: true, idleSessions: true } },
  { $match: { $or: [WAITS_TO_BLOCK, ...COMMITS] } },
  { $project: { opid: 1, waitingForLock: 1, blocks: { $ifNull: ['$command._shardsvrSetUserWriteBlockMode', 0] } } },
];
const ANSWER_WITHIN_MS = 10_000;
const UNAUTHORIZED = 13;

/**
 * Ends a deadlock of a sharded cluster between a write block that is being set and transactions over several shards.
 * On each shard the block waits for open transactions, and no other operation gets a lock meanwhile. A transaction
 * that commits on several shards needs locks and majorities there, so that both wait for good
 * (docs/reference/mongodb-behaviour.md#fact-8-17). This interrupts the shards' commands; the config server sends them
 * again at once. Has no effect without a deadlock, or when the user may not do that.
 */
export async function endBlockDeadlock(client: MongoClient): Promise<void> {
  const admin = client.db('admin');
  try {
    const options = { readConcern: { level: 'local' }, timeoutMS: ANSWER_WITHIN_MS } as const;
    const found = await admin.aggregate(PIPELINE, options).toArray();
    const waiting = found.filter(({ blocks, waitingForLock }) => blocks !== 0 && waitingForLock);
    if (waiting.length === found.length) return;
    // At the same time: a transaction needs all of its shards.
    await Promise.all(waiting.map(({ opid }: Document) => kill(client, opid)));
  } catch (error) {
    // The caller asks again.
    if (error instanceof MongoOperationTimeoutError) return;
    if (error instanceof MongoServerError && error.code === UNAUTHORIZED) return;
    throw error;
  }
}

/** @param opid  as routers show it: with the shard's name */
async function kill(client: MongoClient, opid: string): Promise<void> {
  await client.db('admin').command({ killOp: 1, op: opid }, { timeoutMS: ANSWER_WITHIN_MS });
}
