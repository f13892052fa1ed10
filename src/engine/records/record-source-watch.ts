import type { SourceWatchState } from '../../contract/index.ts';
import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { MigrationRecord } from './records.ts';

/**
 * Records how far the source of a committed migration is watched, over a separate connection. Repeating it does no harm. No
 * engine writes this record any more; the filter keeps the write from one that another migration has retired.
 */
export async function recordSourceWatch(
  destination: ClusterAddress,
  migrationId: string,
  watch: SourceWatchState,
): Promise<void> {
  await using client = clientOf(destination, 'destination');
  const { changes: count, namespaces } = watch;
  const written = count === 0 ? {} : { 'cutover.writtenAfterCommit': { count, namespaces: namespaces.join(', ') } };
  await client
    .db(INTERNAL_DATABASE)
    .collection<MigrationRecord>('migrations', { writeConcern: { w: 'majority' } })
    .updateOne(
      { _id: migrationId, state: 'COMMITTED', retiredBy: { $exists: false } },
      { $set: { 'cutover.watch': watch, ...written } },
    );
}
