import { type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import type { SourceWatchState } from '../../contract/index.ts';
import { messageOf } from '../../platform/index.ts';
import { operationTimeOf, timeOfToken } from '../mongodb/cluster-time.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { clusterIdOf } from '../records/confirm-clusters.ts';

/** Unauthorized and AuthenticationFailed: they say nothing about the position. */
const OF_THE_USER: ReadonlySet<unknown> = new Set([13, 18]);

/**
 * Confirms that the latest answer came from the replica set that the watch began with, and that this set has the watch's
 * position. A set that is initiated anew under the same name accepts the resume token, and so does one that was restored
 * to an earlier time: its stream stays silent until it reaches the position.
 * @returns the `replicaSetId` of the source; an empty text if the user may not read it
 * @throws Error the reason why the watch ends
 */
export async function confirmWatched(
  client: MongoClient,
  retrier: Retrier,
  { sourceId = '', token }: Pick<SourceWatchState, 'sourceId' | 'token'>,
): Promise<string> {
  const [found, hello] = await retrier.run('the source', () =>
    Promise.all([clusterIdOf(client), client.db('admin').command({ hello: 1 })]),
  );
  // rule: unknown-set-while-watched
  if (sourceId !== '' && found !== '' && found !== sourceId)
    // rule: same-set-while-watched
    throw new Error('another replica set answers under the address of the source');
  // By seconds: a stream that was opened without a token begins right after the latest operation.
  // A router knows no last write of its shards. Its cluster time is at or after it.
  const latest: Timestamp = hello.lastWrite?.opTime.ts ?? operationTimeOf(hello, 'source');
  if (latest.getHighBitsUnsigned() < timeOfToken({ _data: token }).getHighBitsUnsigned())
    throw new Error('the source is older than the position of the watch: was it restored from a backup?');
  return found;
}

/** Returns the error that ends a watch whose first read failed: the source refuses the position, or what it says. */
export function refusedPosition(error: unknown): unknown {
  const isRefused = error instanceof MongoServerError && classify(error) === 'fatal' && !OF_THE_USER.has(error.code);
  return isRefused ? new Error(`the source does not accept the position of the watch: ${messageOf(error)}`) : error;
}
