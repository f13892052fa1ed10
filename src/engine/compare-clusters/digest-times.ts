import type { MongoClient, Timestamp } from 'mongodb';
import { type Clock, failpoint } from '../../platform/index.ts';
import { isBefore, operationTimeOf } from '../mongodb/cluster-time.ts';
import { isSharded } from '../mongodb/sharding.ts';

const LOOK_EVERY_MS = 50;

/**
 * Returns a time at which the whole cluster can be read: the latest one that the majority of a replica set has, or that a
 * router has heard of. Waits until that isn't before `first`, or writes between both would go unseen.
 */
export async function committedTime(
  client: MongoClient,
  first: Timestamp | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<Timestamp> {
  while (true) {
    const time = isSharded(client) ? await routerTime(client) : await majorityTime(client);
    // rule: digest-time-covered
    if (first === undefined || !isBefore(time, first)) return time;
    signal.throwIfAborted();
    await failpoint('engine.digest.majority-behind');
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Returns the time of the latest operation that the server knows of. All that was read before is not later. */
export async function latestTime(client: MongoClient): Promise<Timestamp> {
  if (isSharded(client)) return await routerTime(client);
  const { lastWrite } = await client.db('admin').command({ hello: 1 });
  return lastWrite.opTime.ts;
}

async function majorityTime(client: MongoClient): Promise<Timestamp> {
  const { lastWrite } = await client.db('admin').command({ hello: 1 });
  return lastWrite.majorityOpTime.ts;
}

/**
 * Returns the latest time that a router has heard of, and so that of everything it has answered. A shard that is behind
 * writes a no-op before it answers a read at this time.
 */
async function routerTime(client: MongoClient): Promise<Timestamp> {
  const { $clusterTime } = await client.db('admin').command({ ping: 1 });
  return operationTimeOf({ operationTime: $clusterTime?.clusterTime }, 'source');
}
