import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { MigrationState } from './migration-state.ts';
import type { MigrationRecord } from './records.ts';

/** Where a migration stands by its record, and whether another one has taken its destination. */
export interface RecordedStanding {
  readonly state: MigrationState;
  readonly isRetired: boolean;
}

/**
 * Asks a destination about a migration, over a connection of its own.
 * @param stop  closes the connection, so that the answer is not waited for
 * @returns undefined where it has no record of it
 */
export async function recordedStanding(
  destination: ClusterAddress,
  migrationId: string,
  stop: AbortSignal,
): Promise<RecordedStanding | undefined> {
  await using client = clientOf(destination, 'destination');
  stop.addEventListener('abort', () => void client.close());
  const record = await client
    .db(INTERNAL_DATABASE)
    .collection<MigrationRecord>('migrations')
    .findOne({ _id: migrationId });
  return record === null ? undefined : { state: record.state, isRetired: record.retiredBy !== undefined };
}
