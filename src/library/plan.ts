import type { Finding } from '../contract/index.ts';
import { examine } from '../engine/index.ts';
import { engineOptions } from './engine-options.ts';
import type { MigrationOptions } from './options.ts';

/** A cluster's description of itself. Fields that the user may not see are undefined, or empty. */
export interface ClusterDescription {
  readonly mongoDBVersion: string;
  readonly featureCompatibilityVersion: string;
  readonly sharded: boolean;
  /** The number of shards; 1 for a replica set, and undefined where it can't be seen. */
  readonly shards: number | undefined;
  /** False for a stand-alone server. */
  readonly replicaSet: boolean;
  /** host:port */
  readonly primary: string;
  readonly tlsEnabled: boolean;
  readonly dbSizeBytes: number;
  readonly oplogSizeMB: number | undefined;
}

/** The size of the selected data on the source. */
export interface DataSize {
  readonly collections: number;
  readonly views: number;
  readonly documents: number;
  /** Size of the documents as they are read and sent. */
  readonly bytes: number;
  /** Space of documents and indexes on the source's disk. */
  readonly storedBytes: number;
  /** Indexes without those on `_id`. */
  readonly indexes: number;
  readonly indexBytes: number;
  /** Databases or collections that were left out for lack of time. */
  readonly left: number;
}

/** An estimate of the initial sync's duration. */
export interface CopyTime {
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly restsOn: 'ASSUMPTION' | 'MEASURED_SOURCE_READ' | 'CONFIGURED_LIMIT';
}

/** All that is known before a migration starts. */
export interface Plan {
  /** Whether no finding is an error. */
  readonly canStart: boolean;
  readonly findings: readonly Finding[];
  /** This field and those below are undefined when a cluster couldn't be inspected in time. */
  readonly source?: ClusterDescription;
  readonly destination?: ClusterDescription;
  readonly size?: DataSize;
  readonly copyTime?: CopyTime;
}

/**
 * Checks both clusters and estimates a migration: obstacles to its start, warnings, its size and the copy's duration.
 * Writes to neither side, and answers within 30 s. An unreachable cluster is a finding.
 */
export async function planMigration(options: MigrationOptions): Promise<Plan> {
  const examination = await examine(engineOptions(options), { measuresReading: true });
  const { findings, source, destination, sizes: size, copyTime } = examination;
  const canStart = findings.every(({ severity }) => severity !== 'ERROR');
  return { canStart, findings, source, destination, size, copyTime };
}
