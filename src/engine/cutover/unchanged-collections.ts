import type { Timestamp } from 'mongodb';
import { messageOf } from '../../platform/index.ts';
import { readExternalWrites } from '../capture/external-writes.ts';
import { searchOplog } from '../capture/search-oplog.ts';
import type { Migrated } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
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
  const range = { after: since, to };
  const read = () => readExternalWrites(fence, range, []);
  const found = await searchOplog(retrier, 'the oplog of the destination', read);
  if (found === 'lost') return [];
  if ('unreadable' in found) {
    logger.warn(
      { event: 'oplog.destination_unreadable', reason: messageOf(found.unreadable) },
      'The oplog of the destination cannot be read',
    );
    return [];
  }
  const isUnchanged = ({ destinationUuid }: TrackedCollection) =>
    // rule: leave-changed-collections
    destinationUuid !== null && !found.changedCollections.has(destinationUuid.toHexString(false));
  return [...tracked.values()].filter(isUnchanged);
}
