import { availableParallelism, loadavg } from 'node:os';
import type { MongoClient } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import { type CatalogEntry, listUserDatabases, listWithHalves } from '../catalog/read-catalog.ts';
import { Fence } from '../mongodb/fence.ts';
import { type SourceFeatures, sourceFeatures } from '../mongodb/server-features.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import { lostCommit, oppositeRecord } from '../records/lost-commit.ts';
import { recognizeRawData } from '../records/tried-raw-data.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { Selection } from '../scope/selection.ts';
import { levelOf, ofVersion } from './checks/versions.ts';
import { type CopyTime, estimateCopyTime, LEAST_MEASURED_BYTES, measureReading } from './copy-time.ts';
import type { Found } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { readSearchIndexes, type SearchIndexes } from './search-indexes.ts';
import { readSizes, type Sizes } from './sizes.ts';
import { sweep } from './within.ts';

/** The machine that would run the engine. */
export interface Host {
  /** Runnable processes per processor, over the last minute. */
  loadPerProcessor(): number;
}

export const thisHost: Host = { loadPerProcessor: () => (loadavg()[0] ?? 0) / availableParallelism() };

/** The input of all checks. Checks never write to it. */
export interface Look {
  readonly source: MongoClient;
  readonly destination: MongoClient;
  /** Reads records: nothing is written before the migration is taken. */
  readonly fence: Fence;
  readonly options: MigrationOptions;
  readonly from: ClusterDescription;
  readonly to: ClusterDescription;
  readonly features: SourceFeatures;
  readonly host: Host;
  /** Aborts when the time is up. A check then returns what it has, and reports what it didn't check. */
  readonly signal: AbortSignal;
  /** All collections and views of the source. This one and the promises below are read once, at the first use. */
  readonly catalog: () => Promise<readonly CatalogEntry[]>;
  /** The buckets of time series that the source listed without a time series. */
  readonly halves: () => Promise<readonly CatalogEntry[]>;
  /** The selected entries of the source's catalog. */
  readonly entries: () => Promise<readonly CatalogEntry[]>;
  /**
   * Whether no earlier run has begun this migration. Data of an unfinished migration is its own, not that of other
   * clients.
   */
  readonly isNew: () => Promise<boolean>;
  readonly sizes: () => Promise<Sizes>;
  /** Those of the selected collections and views. */
  readonly searchIndexes: () => Promise<SearchIndexes>;
  readonly copyTime: () => Promise<CopyTime>;
}

/** One check. */
export interface Check {
  /** Words that can follow "looking at". */
  readonly what: string;
  /** Whether a migration may start without a result. Then a check that can't run is a warning, otherwise an error. */
  readonly optional?: true;
  /** @throws any error: a check that couldn't run is a finding too */
  readonly run: (look: Look) => Promise<readonly Found[]> | readonly Found[];
}

interface LookSettings {
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly measuresReading: boolean;
}

/** Describes both clusters, and prepares the input of the checks. */
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
  const rawData = await recognizeRawData([ofVersion(source, from), ofVersion(destination, to)]);
  const listing = once(() => wholeListing(source, signal));
  const catalog = async () => (await listing()).flatMap((one) => one.entries);
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
    features: sourceFeatures(levelOf(from), levelOf(to), rawData),
    host,
    signal,
    catalog,
    halves: async () => (await listing()).flatMap((one) => one.halves),
    entries,
    isNew: once(async () => {
      const { migrationId, reversals = 0 } = options;
      const own = () => new CheckpointStore(fence).peek();
      const opposite = () => oppositeRecord(source, migrationId);
      // The data is that of the users who have moved there. The engine refuses to begin, whatever the checks find.
      // rule: lost-cutover-before-data
      if ((await lostCommit({ migrationId, reversals, own, opposite })) !== undefined) return false;
      const checkpoint = await own();
      // After a cutover each side has the other's documents.
      if ((options.reversals ?? checkpoint?.reversals ?? 0) > 0) return false;
      return checkpoint?.token === undefined;
    }),
    sizes,
    searchIndexes: once(async () => await readSearchIndexes(source, await entries(), signal)),
    copyTime: once(async () => {
      const measures = measuresReading && (await sizes()).bytes >= LEAST_MEASURED_BYTES;
      const read = measures ? await measureReading(source, await entries(), signal) : undefined;
      return estimateCopyTime(await sizes(), options.copyBytesPerSecond, read);
    }),
  };
}

async function wholeListing(source: MongoClient, signal: AbortSignal) {
  const databases = await listUserDatabases(source);
  const { results, left } = await sweep(databases, signal, (database) => listWithHalves(source, database));
  if (left > 0) throw new Error('there was no time left to list all collections');
  return results;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
