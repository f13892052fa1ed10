import { type RecordedStanding, StandingReader } from '../engine/index.ts';
import { type ClusterName, type ClusterUris, clusterNames, migrationIdOf, otherThan } from './clusters.ts';
import { CONTINUOUS } from './session-options.ts';
import type { Direction, StartRequest } from './start-request.ts';

/** A migration that an earlier process began. */
export interface UnfinishedMigration extends Direction {
  readonly migrationId: string;
  readonly state: RecordedStanding['state'];
}

/** An unfinished migration by its records: that on its destination and, after a reversal, that on the other side. */
export interface RecordedMigration {
  /** The request that began it. */
  readonly request: StartRequest;
  readonly standings: readonly RecordedStanding[];
}

/** A reader of each cluster's records. */
export type Readers = Readonly<Record<ClusterName, Pick<StandingReader, 'read'>>>;

/** Both directions of a migration between two clusters. */
export const DIRECTIONS = clusterNames.map((source) => ({ source, destination: otherThan(source) }));
const ENDED: ReadonlySet<RecordedStanding['state']> = new Set(['COMMITTED', 'CANCELLED']);

/**
 * Returns the migrations between two clusters, in either direction, that are on record and unfinished: a start in that
 * direction resumes them. Leaves out one whose destination can't be read; a start reports that.
 */
export async function unfinishedMigrations(uris: ClusterUris, stop: AbortSignal): Promise<UnfinishedMigration[]> {
  const found = await Promise.all(
    DIRECTIONS.map(async (direction) => {
      const migrationId = idOf(uris, direction);
      await using reader = new StandingReader({ uri: uris[direction.destination] }, stop);
      const standing = await reader.read(migrationId).catch(() => undefined);
      return standing && isOpen(standing) ? [{ ...direction, migrationId, state: standing.state }] : [];
    }),
  );
  return found.flat();
}

/**
 * Reads the records of the unfinished migration between two clusters; undefined without one.
 * @throws the error of a cluster that can't be read
 */
export async function recordedMigration(uris: ClusterUris, readers: Readers): Promise<RecordedMigration | undefined> {
  for (const direction of DIRECTIONS) {
    const migrationId = idOf(uris, direction);
    const own = await readers[direction.destination].read(migrationId);
    if (own === undefined || !isOpen(own)) continue;
    const opposite = await readers[direction.source].read(migrationId);
    const request = own.request === undefined ? direction : (JSON.parse(own.request) as StartRequest);
    return { request, standings: opposite === undefined ? [own] : [own, opposite] };
  }
  return undefined;
}

/** The id of a migration without `--once` into a destination that keeps no other data. */
export function idOf(uris: ClusterUris, { source, destination }: Direction): string {
  return migrationIdOf(uris, source, destination, CONTINUOUS);
}

function isOpen({ isRetired, hasFailback, state }: RecordedStanding): boolean {
  return !isRetired && (hasFailback || !ENDED.has(state));
}
