import { availableParallelism, loadavg } from 'node:os';
import type { MongoClient } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import { type CatalogEntry, listCollections, listUserDatabases } from '../catalog/read-catalog.ts';
import { Fence } from '../mongodb/fence.ts';
import { type SourceFeatures, sourceFeatures } from '../mongodb/server-features.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { Selection } from '../scope/selection.ts';
import { levelOf } from './checks/versions.ts';
import { type CopyTime, estimateCopyTime, LEAST_MEASURED_BYTES, measureReading } from './copy-time.ts';
import type { Found } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { readSizes, type Sizes } from './sizes.ts';
import { sweep } from './within.ts';

/** The machine on which the engine would run. */
export interface Host {
  /** Processes that want to run, over the last minute, for each processor. */
  loadPerProcessor(): number;
}

export const thisHost: Host = { loadPerProcessor: () => (loadavg()[0] ?? 0) / availableParallelism() };

/** What all checks look at. Nothing of it is ever written to. */
export interface Look {
  readonly source: MongoClient;
  readonly destination: MongoClient;
  /** To read records through: nothing is written before the migration is taken. */
  readonly fence: Fence;
  readonly options: MigrationOptions;
  readonly from: ClusterDescription;
  readonly to: ClusterDescription;
  readonly features: SourceFeatures;
  readonly host: Host;
  /** Aborts when the time is up: a check then gives what it has, and says what it did not look at. */
  readonly signal: AbortSignal;
  /** All collections and views of the source. This and the promises below are read once, when a check first asks. */
  readonly catalog: () => Promise<readonly CatalogEntry[]>;
  /** What of the source's catalog is to be migrated. */
  readonly entries: () => Promise<readonly CatalogEntry[]>;
  /** Whether no earlier run has begun this migration. What an unfinished one has begun is its own, not somebody's data. */
  readonly isNew: () => Promise<boolean>;
  readonly sizes: () => Promise<Sizes>;
  readonly copyTime: () => Promise<CopyTime>;
}

/** One thing to look at. */
export interface Check {
  /** In words that can follow "looking at". */
  readonly what: string;
  /** Whether a migration may start without an answer: one that can't be given is a warning then, else an error. */
  readonly optional?: true;
  /** @throws anything: that it could not be looked at is a finding, too */
  readonly run: (look: Look) => Promise<readonly Found[]> | readonly Found[];
}

interface LookSettings {
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly measuresReading: boolean;
}

/** Describes both clusters, and gets ready to look at the rest. */
export async function lookAt(
  source: MongoClient,
  destination: MongoClient,
  options: MigrationOptions,
  { host, signal, measuresReading }: LookSettings,
): Promise<Look> {
  const [from, to] = await Promise.all([
    describeCluster(source, options.clock),
    describeCluster(destination, options.clock),
  ]);
  const catalog = once(() => wholeCatalog(source, signal));
  const entries = once(async () => {
    const selection = new Selection(options.filters);
    return (await catalog()).filter(({ database, name }) => selection.has(database, name));
  });
  const fence = new Fence(destination, options.migrationId, options.clock ?? systemClock);
  const sizes = once(async () => {
    const { isWhole } = new Selection(options.filters);
    return await readSizes(source, await entries(), { isWhole, signal });
  });
  return {
    source,
    destination,
    fence,
    options,
    from,
    to,
    features: sourceFeatures(levelOf(from)),
    host,
    signal,
    catalog,
    entries,
    isNew: once(async () => {
      const checkpoint = await new CheckpointStore(fence).peek();
      return checkpoint?.token === undefined;
    }),
    sizes,
    copyTime: once(async () => {
      const measures = measuresReading && (await sizes()).bytes >= LEAST_MEASURED_BYTES;
      const read = measures ? await measureReading(source, await entries(), signal) : undefined;
      return estimateCopyTime(await sizes(), options.copyBytesPerSecond, read);
    }),
  };
}

async function wholeCatalog(source: MongoClient, signal: AbortSignal): Promise<readonly CatalogEntry[]> {
  const databases = await listUserDatabases(source);
  const { results, left } = await sweep(databases, signal, (database) => listCollections(source, database));
  if (left > 0) throw new Error('there was no time left to list all collections');
  return results.flat();
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
