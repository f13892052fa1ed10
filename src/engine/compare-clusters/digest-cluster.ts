import { type Document, type MongoClient, MongoServerError, type Timestamp } from 'mongodb';
import { type Clock, type Logger, messageOf, reach, systemClock, UserError, version } from '../../platform/index.ts';
import { readSideCatalog, type SideCatalog, type SideEntry } from '../compare/side-catalog.ts';
import { Slots } from '../concurrency/slots.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { type ClusterAddress, connectCluster } from '../mongodb/connect.ts';
import { Retrier } from '../mongodb/retry.ts';
import { sourceFeatures } from '../mongodb/server-features.ts';
import { levelOf } from '../preflight/checks/versions.ts';
import { describeCluster, UNAUTHORIZED } from '../preflight/inspect-cluster.ts';
import { type DocumentFilter, DocumentFilters, invalidFilter, whyUnfilterable } from '../scope/document-filters.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import { type NamespaceFilters, Selection } from '../scope/selection.ts';
import { claimOf, explain } from './digest-claim.ts';
import { type CollectionDigest, type DigestCollectionParts, digestRange, wholeOf } from './digest-collection.ts';
import {
  changedAccounts,
  changedNamespaces,
  digestAccounts,
  digestedEntry,
  digestedView,
  isView,
  totalsOf,
} from './digest-entries.ts';
import { DigestProgress } from './digest-progress.ts';
import type { DigestedEntry, DigestReport } from './digest-report.ts';
import { keyRanges } from './key-ranges.ts';
import { refuseIncomparable } from './open-sides.ts';
import { SeenWrites } from './seen-writes.ts';

/** What to digest. */
export interface DigestOptions {
  readonly cluster: ClusterAddress;
  /** The digested namespaces, by the cluster's own names; everything by default. */
  readonly filters?: NamespaceFilters;
  readonly documentFilters?: readonly DocumentFilter[];
  /** Whether the report has fingerprints of users and custom roles. */
  readonly usersAndRoles?: boolean;
  /** Target size of a range of `_id`, the unit of parallel reads; 256 MiB by default. */
  readonly rangeBytes?: number;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Enough to hide the network's latency: one thread hashes the documents of all. */
const RANGES_AT_A_TIME = 4;
const DEFAULT_RANGE_BYTES = 256 * 1024 * 1024;
const LOOK_EVERY_MS = 50;

/**
 * Makes the report of one cluster. It only reads. When `signal` aborts, the report has the collections that were complete
 * by then, and says that it is unfinished.
 * @param onProgress  receives the progress once; its fields change while the digest runs
 * @throws UserError when the cluster can't be reached, isn't a replica set, or is too old
 */
export async function digestCluster(
  options: DigestOptions,
  signal: AbortSignal,
  onProgress: (progress: DigestProgress) => void = () => undefined,
): Promise<DigestReport> {
  const { clock = systemClock, logger, rangeBytes = DEFAULT_RANGE_BYTES } = options;
  const scope = { selection: new Selection(options.filters), namespaces: new NamespaceMap() };
  const documentFilters = new DocumentFilters(options.documentFilters);
  const startedAt = new Date(clock.now()).toISOString();
  const client = await connectCluster(options.cluster, 'source');
  try {
    const cluster = await describeCluster(client, clock);
    refuseIncomparable(cluster, 'cluster');
    const features = sourceFeatures(levelOf(cluster));
    const retrier = new Retrier(clock, logger, signal);
    const progress = new DigestProgress(retrier);
    onProgress(progress);
    // The stream opens before the time is chosen, so that it misses nothing after it.
    await using seen = await SeenWrites.open({
      client,
      showsAll: features.showsCatalogChanges,
      retrier,
      logger,
      clock,
      signal,
    });
    const readCatalog = () => retrier.run('the cluster', () => readSideCatalog(client, 'source', scope));
    const catalog = await readCatalog();
    refuseUnfilterable(catalog, documentFilters);
    const readAccounts = async () =>
      options.usersAndRoles ? await retrier.run('the cluster', () => digestAccounts(client)) : null;
    const accounts = await readAccounts();
    const clusterTime = await retrier.run('the cluster', () => committedTime(client, seen.firstTime, clock, signal));
    await reach('engine.digest.time-chosen');
    const parts = { client, retrier, logger, signal, progress, clusterTime, pinsReads: features.pinsReads };
    const digests = await digestAll(parts, catalog, { filters: documentFilters, rangeBytes });
    await reach('engine.digest.documents-read');
    const ending = await unlessStopped(signal, async () => ({
      accounts: await readAccounts(),
      catalog: await readCatalog(),
      time: await seen.until(await retrier.run('the cluster', () => latestTime(client))),
    }));
    const endTime = ending?.time;
    const writtenOf = (entry: SideEntry) => (endTime && seen.shows(entry) ? seen.written(entry, clusterTime) : null);
    const collections = [...catalog.values()].flatMap((entry): DigestedEntry[] => {
      const digest = digests.get(entry);
      if (isView(entry)) return [digestedView(entry)];
      return digest === undefined ? [] : [digestedEntry(entry, digest, writtenOf(entry))];
    });
    const catalogChanged =
      ending === undefined
        ? []
        : [...changedNamespaces(catalog, ending.catalog), ...changedAccounts(accounts, ending.accounts)];
    const claim = ending === undefined ? 'unfinished' : claimOf(collections, catalogChanged);
    return {
      type: 'linkspan digest',
      formatVersion: 1,
      linkspanVersion: version,
      claim,
      explanation: explain(claim, collections, catalogChanged),
      startedAt,
      endedAt: new Date(clock.now()).toISOString(),
      cluster: {
        replicaSet: (await client.db('admin').command({ hello: 1 })).setName,
        replicaSetId: cluster.clusterId,
        mongoDBVersion: cluster.mongoDBVersion,
        featureCompatibilityVersion: cluster.featureCompatibilityVersion,
      },
      selection: selectionOf(options),
      clusterTime: shownTime(clusterTime),
      endTime: endTime === undefined ? null : shownTime(endTime),
      catalogChanged,
      collections,
      accounts: ending === undefined ? null : accounts,
      totals: totalsOf(collections, digests),
    };
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === UNAUTHORIZED)) throw error;
    throw new UserError('VERIFICATION_REFUSED', ['cluster', messageOf(error)], { cause: error });
  } finally {
    await client.close();
  }
}

/** Returns what the work returns; undefined when the signal aborts before that. */
async function unlessStopped<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

async function digestAll(
  parts: DigestCollectionParts,
  catalog: SideCatalog,
  { filters, rangeBytes }: { readonly filters: DocumentFilters; readonly rangeBytes: number },
): Promise<ReadonlyMap<SideEntry, CollectionDigest>> {
  const { progress, signal } = parts;
  const slots = new Slots(RANGES_AT_A_TIME);
  const digests = new Map<SideEntry, CollectionDigest>();
  const entries = [...catalog.values()].filter((entry) => !isView(entry));
  progress.collections = entries.length;
  const ended = new AbortController();
  const own = { ...parts, signal: AbortSignal.any([signal, ended.signal]) };
  const work = entries.map(async (entry) => {
    const filter = filters.of(entry.database, entry.name);
    const inTurn = <T>(task: () => Promise<T>) =>
      slots.run(async () => {
        own.signal.throwIfAborted();
        return await task();
      });
    const ranges = await inTurn(() => own.retrier.run('the cluster', () => keyRanges(own.client, entry, rangeBytes)));
    const digested = await Promise.all(ranges.map((range) => inTurn(() => digestRange(own, entry, { range, filter }))));
    digests.set(entry, wholeOf(digested));
    progress.collectionsDone += 1;
  });
  try {
    await Promise.all(work);
  } catch (error) {
    ended.abort();
    await Promise.allSettled(work);
    if (!signal.aborted) throw error;
  }
  return digests;
}

/** @throws UserError INVALID_DOCUMENT_FILTER */
function refuseUnfilterable(catalog: SideCatalog, filters: DocumentFilters): void {
  for (const { filter } of filters.all) {
    const namespace = `${filter.database}.${filter.collection}`;
    const entry = catalog.get(namespace);
    const reason = entry && whyUnfilterable(entry);
    if (reason !== undefined) throw invalidFilter(namespace, reason);
  }
}

/**
 * Returns the latest time that the majority has: the primary can read at it at once. Waits until that isn't before
 * `first`, or writes between both would go unseen.
 */
async function committedTime(
  client: MongoClient,
  first: Timestamp | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<Timestamp> {
  while (true) {
    const { lastWrite } = await client.db('admin').command({ hello: 1 });
    const time: Timestamp = lastWrite.majorityOpTime.ts;
    if (first === undefined || !isBefore(time, first)) return time;
    signal.throwIfAborted();
    await reach('engine.digest.majority-behind');
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Returns the time of the primary's latest operation. All that was read before is of this time or an earlier one. */
async function latestTime(client: MongoClient): Promise<Timestamp> {
  const { lastWrite } = await client.db('admin').command({ hello: 1 });
  return lastWrite.opTime.ts;
}

function selectionOf({ filters, documentFilters, usersAndRoles }: DigestOptions): DigestReport['selection'] {
  const plain = (list: readonly object[] = []): Document[] => JSON.parse(JSON.stringify(list));
  return {
    includeNamespaces: plain(filters?.include),
    excludeNamespaces: plain(filters?.exclude),
    documentFilters: plain(documentFilters),
    usersAndRoles: usersAndRoles ?? false,
  };
}

function shownTime(time: Timestamp): { readonly t: number; readonly i: number } {
  return { t: time.t, i: time.i };
}
