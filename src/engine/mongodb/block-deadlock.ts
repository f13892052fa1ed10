import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';
import { isSharded } from './sharding.ts';

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
/** No `$currentOp` has more of them. */
const ALL = 100_000;
/** Short, because no operation gets a lock on the shards while a deadlock lasts. */
const LOOK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 5_000;

/**
 * Runs an act on a cluster, and meanwhile ends deadlocks between its write block and transactions over several shards.
 * On each shard, a block that is being set waits for open transactions, and no other operation gets a lock. A
 * transaction that commits on several shards needs locks and majorities there, so that both wait forever
 * (docs/reference/mongodb-behaviour.md#fact-8-17). This interrupts the shards' commands; the config server sends them
 * again at once. It has no effect without a deadlock, or when the user may not do that.
 */
export async function endingDeadlocks<T>(client: MongoClient, act: () => Promise<T>): Promise<T> {
  if (!isSharded(client)) return await act();
  const ended = new AbortController();
  const looking = lookForDeadlocks(client, ended.signal);
  try {
    return await act();
  } finally {
    ended.abort();
    await looking;
  }
}

async function lookForDeadlocks(client: MongoClient, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const look = async () => {
      await delay(LOOK_EVERY_MS, undefined, { signal: ended });
      await endDeadlock(client, AbortSignal.any([ended, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
    };
    // The act has to do with the cluster's failures.
    await look().catch(() => undefined);
  }
}

async function endDeadlock(client: MongoClient, signal: AbortSignal): Promise<void> {
  const admin = client.db('admin');
  const aggregate = { aggregate: 1, pipeline: PIPELINE, cursor: { batchSize: ALL }, readConcern: { level: 'local' } };
  const { cursor } = await admin.command(aggregate, { signal });
  const found: Document[] = cursor.firstBatch;
  const waiting = found.filter(({ blocks, waitingForLock }) => blocks !== 0 && waitingForLock);
  if (waiting.length === found.length) return;
  // All at the same time, because a transaction needs all of its shards. Routers show `opid` with the shard's name.
  await Promise.allSettled(waiting.map(({ opid }) => admin.command({ killOp: 1, op: opid }, { signal })));
}
