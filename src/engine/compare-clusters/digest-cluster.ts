import { type Document, MongoServerError, type Timestamp } from 'mongodb';
import { type Clock, failpoint, type Logger, messageOf, systemClock, UserError } from '../../platform/index.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import { readUnstreamedWrites } from '../capture/unstreamed-writes.ts';
import { type CompareScope, readSideCatalog, type SideCatalog, type SideEntry } from '../compare/side-catalog.ts';
import { Slots } from '../concurrency/slots.ts';
import { type ClusterAddress, connectCluster } from '../mongodb/connect.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { Retrier } from '../mongodb/retry.ts';
import { sourceFeatures } from '../mongodb/server-features.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { levelOf, ofVersion } from '../preflight/checks/versions.ts';
import { describeCluster } from '../preflight/inspect-cluster.ts';
import { recognizeRawData } from '../records/tried-raw-data.ts';
import { type DocumentFilter, DocumentFilters, invalidFilter, whyUnfilterable } from '../scope/document-filters.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import { type NamespaceFilters, Selection } from '../scope/selection.ts';
import { type CollectionDigest, type DigestContext, digestRange, wholeOf } from './digest-collection.ts';
import { digestAccounts, isView } from './digest-entries.ts';
import { DigestProgress } from './digest-progress.ts';
import type { DigestReport } from './digest-report.ts';
import { digestReportOf, type FoundByDigest } from './digest-report-of.ts';
import { committedTime, latestTime } from './digest-times.ts';
import { keyRanges } from './key-ranges.ts';
import { type Accepted, refuseIncomparable } from './open-sides.ts';
import { refuseUnknown } from './paired-catalog.ts';
import { SeenWrites } from './seen-writes.ts';

/** The cluster and the selection to digest. */
export interface DigestOptions extends Accepted {
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

/**
 * Makes the report of one cluster. It only reads. When `signal` aborts, the report has the collections that were complete
 * by then, and says that it is unfinished.
 * @param onProgress  receives the progress once; its fields change while the digest runs
 * @throws UserError when the cluster can't be reached, is a standalone server, is too old, or refuses to be read
 * @throws UserError NOT_COMPARABLE, UNKNOWN_OPERATION where it has something that no rule knows
 * @throws RepeatedId when two shards have documents with one `_id`
 */
export async function digestCluster(
  options: DigestOptions,
  signal: AbortSignal,
  onProgress: (progress: DigestProgress) => void = () => undefined,
): Promise<DigestReport> {
  const { clock = systemClock, logger } = options;
  const scope = { selection: new Selection(options.filters), namespaces: new NamespaceMap() };
  const filters = new DocumentFilters(options.documentFilters);
  const startedAtMs = clock.now();
  const client = await connectCluster(options.cluster, 'source');
  try {
    const cluster = await describeCluster(client, clock);
    refuseIncomparable(cluster, 'cluster', options);
    const retrier = new Retrier(clock, logger, signal);
    const progress = new DigestProgress(retrier);
    onProgress(progress);
    const level = levelOf(cluster);
    const features = sourceFeatures(level, level, await recognizeRawData([ofVersion(client, cluster)]));
    const context = { client, features, retrier, logger, clock, signal, progress };
    const found = await digest(context, { ...options, scope, documentFilters: filters });
    return digestReportOf(found, { cluster, startedAtMs, endedAtMs: clock.now(), selection: selectionOf(options) });
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('VERIFICATION_REFUSED', ['cluster', messageOf(error)], { cause: error });
  } finally {
    await client.close();
  }
}

async function digest(
  context: DigestContext,
  {
    scope,
    documentFilters,
    usersAndRoles = false,
    rangeBytes = DEFAULT_RANGE_BYTES,
  }: Pick<DigestOptions, 'usersAndRoles' | 'rangeBytes'> & {
    readonly scope: CompareScope;
    readonly documentFilters: DocumentFilters;
  },
): Promise<FoundByDigest> {
  const { client, retrier, clock, signal } = context;
  const readDefinitions = () =>
    retrier.run('the cluster', async () => ({
      catalog: await readSideCatalog(client, 'source', scope),
      accounts: usersAndRoles ? await digestAccounts(client) : null,
    }));
  // The stream opens before the time is chosen, so that it misses nothing after it.
  await using seen = await SeenWrites.open(context);
  const before = await readDefinitions();
  refuseUnknown(before.catalog, 'cluster');
  refuseUnfilterable(before.catalog, documentFilters);
  const clusterTime = await retrier.run('the cluster', () => committedTime(client, seen.firstTime, clock, signal));
  await failpoint('engine.digest.time-chosen');
  const digests = await digestAll(context, before.catalog, { filters: documentFilters, rangeBytes, clusterTime });
  await failpoint('engine.digest.documents-read');
  const after = await unlessStopped(signal, async () => {
    const definitions = await readDefinitions();
    refuseUnknown(definitions.catalog, 'cluster');
    const time = await seen.until(await retrier.run('the cluster', () => latestTime(client)));
    const unstreamed = time && (await unstreamedWrites(context, { after: clusterTime, to: time }));
    return { ...definitions, time, oplogRead: unstreamed !== undefined, unstreamed };
  });
  const wasWritten = (entry: SideEntry) => {
    if (after?.time === undefined || !seen.shows(entry)) return null;
    const { database, name, uuid } = entry;
    const place = { id: uuid?.toHexString(false) ?? '', namespace: `${database}.${name}` };
    return seen.written(entry, clusterTime) || (after.unstreamed?.isOf(place) ?? false);
  };
  return { before, after, clusterTime, digests, wasWritten };
}

/**
 * Returns the writes that no change stream shows; undefined when the oplog can't be read, or no longer reaches back. No router
 * shows the oplogs of shards.
 */
async function unstreamedWrites(
  { client, retrier, logger, features }: DigestContext,
  range: { readonly after: Timestamp; readonly to: Timestamp },
): Promise<OplogKeys | undefined> {
  if (isSharded(client)) return undefined;
  const passed = async () => range.to;
  try {
    return await retrier.run('the oplog', () => readUnstreamedWrites(client, features, range, passed));
  } catch (error) {
    const isUnreadable = error instanceof MongoServerError && ['fatal', 'history-lost'].includes(classify(error));
    if (!isUnreadable) throw error;
    logger.warn({ event: 'comparison.oplog_unreadable', reason: messageOf(error) }, 'The oplog cannot be read');
    return undefined;
  }
}

/** Returns the result of the work; undefined when the signal aborts before that. */
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
  context: DigestContext,
  catalog: SideCatalog,
  {
    filters,
    rangeBytes,
    clusterTime,
  }: { readonly filters: DocumentFilters; readonly rangeBytes: number; readonly clusterTime: Timestamp },
): Promise<ReadonlyMap<SideEntry, CollectionDigest>> {
  const { progress, signal } = context;
  const slots = new Slots(RANGES_AT_A_TIME);
  const digests = new Map<SideEntry, CollectionDigest>();
  const entries = [...catalog.values()].filter((entry) => !isView(entry));
  progress.collections = entries.length;
  const ended = new AbortController();
  const own = { ...context, signal: AbortSignal.any([signal, ended.signal]) };
  const work = entries.map(async (entry) => {
    const filter = filters.of(entry.database, entry.name);
    const inTurn = <T>(task: () => Promise<T>) =>
      slots.run(async () => {
        own.signal.throwIfAborted();
        return await task();
      });
    const ranges = await inTurn(() => own.retrier.run('the cluster', () => keyRanges(own.client, entry, rangeBytes)));
    const digested = await Promise.all(
      ranges.map((range) => inTurn(() => digestRange(own, entry, { range, clusterTime, filter }))),
    );
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

function selectionOf({ filters, documentFilters, usersAndRoles }: DigestOptions): DigestReport['selection'] {
  const plain = (list: readonly object[] = []): Document[] => JSON.parse(JSON.stringify(list));
  return {
    includeNamespaces: plain(filters?.include),
    excludeNamespaces: plain(filters?.exclude),
    documentFilters: plain(documentFilters),
    usersAndRoles: usersAndRoles ?? false,
  };
}
