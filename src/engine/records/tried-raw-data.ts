import type { MongoClient } from 'mongodb';
import { levelOfSet } from '../mongodb/feature-level.ts';
import { useRawData } from '../mongodb/raw-data.ts';
import { compareVersions, WITHOUT_BUCKETS } from '../mongodb/server-features.ts';
import { unlessUnauthorized } from '../mongodb/unauthorized.ts';
import { recordsOn } from './records-on.ts';

/** Notes of probes, on the destination that they were made on. */
interface ProbeRecord {
  readonly _id: 'rawData';
  /** The server on which a probe wrote and read buckets by `rawData`. */
  readonly version: string;
}

const MAJORITY = { w: 'majority', j: true } as const;

/** A cluster, its version and its feature compatibility version. */
export interface ClusterOfVersion {
  readonly client: MongoClient;
  readonly version: string;
  readonly level: string;
}

/**
 * Records on a cluster whether a probe could write and read the buckets of a time series by `rawData`. It replaces the
 * result of an earlier probe.
 */
export async function recordRawData({ client, version }: ClusterOfVersion, worked: boolean): Promise<void> {
  const records = probesOn(client);
  const options = { writeConcern: MAJORITY };
  if (worked) await records.updateOne({ _id: 'rawData' }, { $set: { version } }, { ...options, upsert: true });
  else await records.deleteOne({ _id: 'rawData' }, options);
}

/**
 * Lets the engine use `rawData` on those of some clusters that store time series without buckets, when a probe has tried it
 * on one of them with servers of their versions.
 * @returns whether time series can be read and written on all of them
 */
export async function recognizeRawData(clusters: readonly ClusterOfVersion[]): Promise<boolean> {
  const without = clusters.filter(({ level }) => compareVersions(level, WITHOUT_BUCKETS) >= 0);
  const found = await Promise.all(
    without.map(({ client }) => unlessUnauthorized(() => probesOn(client).findOne({ _id: 'rawData' }))),
  );
  const tried = new Set(found.map((record) => record?.version));
  // rule: raw-data-only-when-tried
  if (!without.every(({ version }) => tried.has(version))) return false;
  for (const { client } of without) useRawData(client);
  return true;
}

/** Does the same on a destination of which nothing else is known yet: its own probe decides. */
export async function recognizeOnDestination(client: MongoClient): Promise<void> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const level = (await unlessUnauthorized(() => levelOfSet(client)))?.version ?? version;
  await recognizeRawData([{ client, version, level }]);
}

function probesOn(client: MongoClient) {
  return recordsOn<ProbeRecord>(client, 'probes');
}
