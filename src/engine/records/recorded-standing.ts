import type { MigrationState } from '../../contract/index.ts';
import { type ClusterAddress, clientOf } from '../mongodb/connect.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { hasFailback, type MigrationRecord } from './records.ts';
import { type Leader, leaderOf } from './running-engine.ts';

/** The state of a migration by its record, and whether another one has taken its destination. */
export interface RecordedStanding {
  readonly state: MigrationState;
  readonly isRetired: boolean;
  /** Whether it has cut over, and the opposite direction may follow. */
  readonly hasFailback: boolean;
  /** The engine that runs it; undefined when none does. */
  readonly leader: Leader | undefined;
  /** The request that its engine was started with; undefined without one. */
  readonly request: string | undefined;
}

/** Reads records of migrations on a destination, over connections of its own. */
export class StandingReader implements AsyncDisposable {
  readonly #client;

  /** @param stop  closes the connections, which ends the wait for an answer */
  constructor(destination: ClusterAddress, stop: AbortSignal) {
    this.#client = clientOf(destination, 'destination');
    stop.addEventListener('abort', () => void this.#client.close(), { once: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  /** @returns undefined if there is no record */
  async read(migrationId: string): Promise<RecordedStanding | undefined> {
    const { localTime } = await this.#client.db('admin').command({ hello: 1 });
    const record = await this.#client
      .db(INTERNAL_DATABASE)
      .collection<MigrationRecord>('migrations')
      .findOne({ _id: migrationId });
    if (record === null) return undefined;
    return {
      state: record.state,
      isRetired: record.retiredBy !== undefined,
      hasFailback: hasFailback(record),
      leader: leaderOf(record, (localTime as Date).getTime()),
      request: record.request,
    };
  }
}

/** Reads one record, as {@link StandingReader} does. */
export async function recordedStanding(
  destination: ClusterAddress,
  migrationId: string,
  stop: AbortSignal,
): Promise<RecordedStanding | undefined> {
  await using reader = new StandingReader(destination, stop);
  return await reader.read(migrationId);
}
