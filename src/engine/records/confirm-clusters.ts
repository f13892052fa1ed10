import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { isSharded, shardedClusterId } from '../mongodb/sharding.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import type { Clusters, Pace, Records } from './context.ts';

const LOOK_EVERY_MS = 5_000;

/**
 * Returns the `replicaSetId` of a replica set, or the `clusterId` of a sharded cluster. It tells clusters of the same name
 * apart: one that is initiated anew gets another id.
 * @returns an empty text if there is none, or the user lacks the privilege
 */
export async function clusterIdOf(client: MongoClient): Promise<string> {
  return (await unlessUnauthorized(() => readClusterId(client))) ?? '';
}

/** Returns the same id, or an empty text if the cluster has none. @throws MongoServerError when the user lacks the privilege */
export async function readClusterId(client: MongoClient): Promise<string> {
  if (isSharded(client)) return await shardedClusterId(client);
  const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
  return config?.settings?.replicaSetId?.toHexString() ?? '';
}

/**
 * Confirms that the latest reads came from the cluster with which the migration began. A source that lost its disks and
 * was initiated anew answers under the same name and is empty. Its missing collections were not dropped.
 * @throws UserError OTHER_SOURCE
 */
export async function confirmSource({
  source,
  retrier,
  identity,
  checkpoint,
}: Clusters & Records & Pace): Promise<void> {
  const sourceId = await retrier.run('the source', () => clusterIdOf(source));
  if (sourceId !== identity.sourceId) throw new UserError('OTHER_SOURCE', [checkpoint.migrationId]);
}

/** Returns OTHER_SOURCE when the destination is not the one with which the migration began, and so lacks its records. */
export async function otherDestination({
  destination,
  identity,
  checkpoint,
}: Clusters & Records): Promise<UserError | undefined> {
  // rule: confirm-destination
  const isSame = (await clusterIdOf(destination)) === identity.destinationId;
  return isSame ? undefined : new UserError('OTHER_SOURCE', [checkpoint.migrationId]);
}

/**
 * Confirms both clusters regularly until the run ends: a cluster that is initiated anew doesn't announce it.
 * @throws UserError OTHER_SOURCE
 */
export async function watchClusters(context: Clusters & Records & Pace): Promise<void> {
  const { retrier, clock, signal } = context;
  const confirmDestination = async () => {
    const other = await retrier.run('the destination', () => otherDestination(context));
    if (other !== undefined) throw other;
  };
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    if (!signal.aborted) await Promise.all([confirmSource(context), confirmDestination()]);
  }
}
