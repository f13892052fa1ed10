import type { MigrationState } from '../../contract/index.ts';
import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { hasFailback, type MigrationRecord } from './records.ts';

/** The state of a migration by its record, and whether another one has taken its destination. */
export interface RecordedStanding {
  readonly state: MigrationState;
  readonly isRetired: boolean;
  /** Whether it has cut over, and the opposite direction may follow. */
  readonly hasFailback: boolean;
}

/**
 * Reads a migration's record on a destination, over a separate connection.
 * @param stop  closes the connection, which ends the wait for the answer
 * @returns undefined if there is no record
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
  if (record === null) return undefined;
  return { state: record.state, isRetired: record.retiredBy !== undefined, hasFailback: hasFailback(record) };
}
