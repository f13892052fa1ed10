import { MongoServerError, type Timestamp } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
import { readExternalWrites } from '../capture/external-writes.ts';
import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';

/**
 * Returns the collections whose options and indexes no client has changed on the destination since a time, not even an
 * engine. Its oplog tells them.
 * @param since  undefined when it isn't on record
 * @returns none when the oplog doesn't reach back, or can't be read
 */
export async function unchangedCollections(
  { fence, logger, retrier, tracked }: Clusters & Pace & Telling & Migrated,
  since: Timestamp | undefined,
): Promise<TrackedCollection[]> {
  await retrier.run('the destination', () => fence.confirm());
  const to = fence.afterOwnWrites.afterClusterTime;
  if (since === undefined || to === undefined) return [];
  try {
    const range = { after: since, to };
    const changed = (await retrier.run('the oplog of the destination', () => readExternalWrites(fence, range, [])))
      ?.changedCollections;
    const isUnchanged = ({ destinationUuid }: TrackedCollection) =>
      // rule: leave-changed-collections
      destinationUuid !== null && changed !== undefined && !changed.has(destinationUuid.toHexString(false));
    return [...tracked.values()].filter(isUnchanged);
  } catch (error) {
    if (!(error instanceof MongoServerError) || classify(error) !== 'fatal') throw error;
    logger.warn(
      { event: 'oplog.destination_unreadable', reason: messageOf(error) },
      'The oplog of the destination cannot be read',
    );
    return [];
  }
}
