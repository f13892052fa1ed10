import type { MongoClient } from 'mongodb';
import type { Finding } from '../../contract/index.ts';
import { messageOf, redact, type UserError } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { endingDeadlocks } from '../mongodb/block-deadlock.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import type { Side } from '../mongodb/side.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { ADVICE, GUARDS } from './all-checks.ts';
import { openConnection } from './checks/connection.ts';
import { checkCluster, checkPair } from './checks/versions.ts';
import type { CopyTime } from './copy-time.ts';
import { type Found, findingOf, found } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { type Check, type Host, type Look, lookAt, thisHost } from './look.ts';
import { type Outcome, runChecks } from './run-checks.ts';
import type { SearchIndex } from './search-indexes.ts';
import type { Sizes } from './sizes.ts';
import { NO_LIMIT, type TimeLimit, timeLimit } from './within.ts';

/** An answer is due within 30 s, and closing connections may take some of them. */
const WITHIN_MS = 25_000;
const CLOSE_WITHIN_MS = 2_000;

export interface PreflightSettings {
  /** 25 s by default. */
  readonly withinMs?: number;
  readonly host?: Host;
  /** Whether to read from the source for a moment, to estimate the copy's duration; false by default. */
  readonly measuresReading?: boolean;
}

/** All that is known before the first byte. */
export interface Examination {
  readonly findings: readonly Finding[];
  /** These are undefined when a cluster couldn't be inspected in time. */
  readonly source?: ClusterDescription;
  readonly destination?: ClusterDescription;
  readonly sourceFeatures?: SourceFeatures;
  readonly sizes?: Sizes;
  readonly copyTime?: CopyTime;
  /** Under their names on the destination. Undefined, too, when they couldn't be listed. */
  readonly searchIndexes?: readonly SearchIndex[];
}

/** The connections to both clusters; undefined for one that can't be reached. */
interface OpenClients {
  readonly source: MongoClient | undefined;
  readonly destination: MongoClient | undefined;
}

/** Both clusters, and every reason not to start a migration between them. */
interface Checked {
  readonly source: ClusterDescription;
  readonly destination: ClusterDescription;
  readonly sourceFeatures: SourceFeatures;
  readonly errors: readonly UserError[];
  readonly warnings: readonly Finding[];
}

/**
 * Checks everything that can be known before the first byte: clusters, versions, privileges, names that can't be
 * migrated, disk, oplog and more (docs/plan/plan-a-migration.md). Changes nothing, and answers within 30 s.
 * @returns all findings; an unreachable cluster is one, and so is a check that couldn't run
 */
export async function preflight(
  options: MigrationOptions,
  settings: PreflightSettings = {},
): Promise<readonly Finding[]> {
  return (await examine(options, settings)).findings;
}

/** Does the same, and also returns the facts that it learned about the clusters. */
export async function examine(options: MigrationOptions, settings: PreflightSettings = {}): Promise<Examination> {
  const { clients, ...examination } = await examineOpen(options, settings);
  await closeClients(clients);
  return examination;
}

/** Does the same, and leaves the connections open. The caller closes those of clusters that could be reached. */
export async function examineOpen(
  options: MigrationOptions,
  settings: PreflightSettings = {},
): Promise<Examination & { readonly clients: OpenClients }> {
  const limit = timeLimit(settings.withinMs ?? WITHIN_MS);
  const [source, destination] = await Promise.all([
    openConnection(options.source, 'source', limit),
    openConnection(options.destination, 'destination', limit),
  ]);
  const clients = { source: source.client, destination: destination.client };
  try {
    if (clients.source && clients.destination) {
      const { source: from, destination: to } = clients;
      // rule: end-deadlock-in-preflight
      const examined = await endingDeadlocks(from, () => examineBoth(from, to, options, settings, limit));
      return { clients, ...examined };
    }
    const sides = await Promise.all([
      source.client ? examineOne(source.client, 'source', options, limit) : [source.found],
      destination.client ? examineOne(destination.client, 'destination', options, limit) : [destination.found],
    ]);
    return { clients, findings: sides.flat().map(asData) };
  } catch (error) {
    await closeClients(clients);
    throw error;
  }
}

/** Closes connections. Waits for that only for a moment. */
export async function closeClients({ source, destination }: OpenClients): Promise<void> {
  const closed = Promise.allSettled([source?.close(), destination?.close()]);
  await unlessAborted(closed, AbortSignal.timeout(CLOSE_WITHIN_MS));
}

/**
 * Checks the obstacles to the start of a migration, over its own connections and without a time limit.
 * @throws the error of a check that failed
 */
export async function checkClusters(
  source: MongoClient,
  destination: MongoClient,
  options: MigrationOptions,
): Promise<Checked> {
  const settings = { host: thisHost, signal: NO_LIMIT.soft, measuresReading: false };
  const look = await lookAt(source, destination, options, settings);
  const checked = { source: look.from, destination: look.to, sourceFeatures: look.features };
  const ofClusters = foundOfClusters(look);
  if (ofClusters.length > 0) return { ...checked, errors: ofClusters.map(({ error }) => error), warnings: [] };
  const { found, failures } = await runChecks(GUARDS, look, NO_LIMIT.hard);
  const failure = failures.find(({ check }) => !check.optional);
  if (failure !== undefined) throw failure.reason;
  const isError = (one: Found) => asData(one).severity === 'ERROR';
  return {
    ...checked,
    errors: found.filter(isError).map(({ error }) => error),
    warnings: found.filter((one) => !isError(one)).map(asData),
  };
}

/**
 * Runs checks beside a migration, over its connections. Changes nothing, and never throws.
 * @param withinMs  a check that takes longer becomes a finding
 * @param stop  ends it earlier
 * @returns warnings only
 */
export async function lookBeside(
  checks: readonly Check[],
  { source, destination }: { readonly source: MongoClient; readonly destination: MongoClient },
  options: MigrationOptions,
  { withinMs = WITHIN_MS, stop }: { readonly withinMs?: number; readonly stop: AbortSignal },
): Promise<readonly Finding[]> {
  const limit = timeLimit(withinMs);
  const soft = AbortSignal.any([limit.soft, stop]);
  const hard = AbortSignal.any([limit.hard, stop]);
  const settings = { host: thisHost, signal: soft, measuresReading: false };
  const opened = await inTime(lookAt(source, destination, options, settings), hard);
  if ('reason' in opened) return [];
  const { found, failures } = await runChecks(checks, opened.value, hard);
  return [...found, ...failuresOf(failures)].map(asData).filter(({ severity }) => severity === 'WARNING');
}

async function examineBoth(
  source: MongoClient,
  destination: MongoClient,
  options: MigrationOptions,
  { host = thisHost, measuresReading = false }: PreflightSettings,
  { soft, hard }: TimeLimit,
): Promise<Examination> {
  const opened = await inTime(lookAt(source, destination, options, { host, signal: soft, measuresReading }), hard);
  if ('reason' in opened) return { findings: [asData(failed('CHECK_FAILED', 'both clusters', opened.reason))] };
  const look = opened.value;
  const clusters = { source: look.from, destination: look.to, sourceFeatures: look.features };
  const ofClusters = foundOfClusters(look);
  if (ofClusters.some(isOneCluster)) return { ...clusters, findings: ofClusters.map(asData) };
  const { found, failures } = await runChecks([...GUARDS, ...ADVICE], look, hard);
  const all = [...ofClusters, ...found, ...failuresOf(unexplained(failures, ofClusters))];
  const [sizes, copyTime, search] = await Promise.all([
    inTime(look.sizes(), hard),
    inTime(look.copyTime(), hard),
    inTime(searchIndexesThere(look, options), hard),
  ]);
  return {
    ...clusters,
    findings: all.map(asData),
    ...('value' in sizes ? { sizes: sizes.value } : {}),
    ...('value' in copyTime ? { copyTime: copyTime.value } : {}),
    ...('value' in search ? { searchIndexes: search.value } : {}),
  };
}

/** Returns the search indexes of the source under their names on the destination. @throws UserError INVALID_REMAP */
async function searchIndexesThere(look: Look, { namespaceRemap }: MigrationOptions): Promise<SearchIndex[]> {
  const names = new NamespaceMap(namespaceRemap);
  const { indexes } = await look.searchIndexes();
  return indexes.map((index) => ({
    ...index,
    database: names.database(index.database),
    collection: names.collection(index.database, index.collection),
  }));
}

/** Returns findings about one cluster while the other can't be reached. */
async function examineOne(
  client: MongoClient,
  side: Side,
  options: MigrationOptions,
  { hard }: TimeLimit,
): Promise<Found[]> {
  const described = await inTime(describeCluster(client, options.clock), hard);
  if ('reason' in described) return [failed('CHECK_FAILED', `the ${side}`, described.reason)];
  return checkCluster(described.value, side, options);
}

/** Returns the findings about the clusters themselves. If both are one, only that: all else is about a mistaken pair. */
function foundOfClusters({ from, to, options }: Look): Found[] {
  const ofPair = checkPair(from, to);
  const one = ofPair.find(isOneCluster);
  if (one !== undefined) return [one];
  return [...checkCluster(from, 'source', options), ...checkCluster(to, 'destination', options), ...ofPair];
}

function isOneCluster({ error }: Found): boolean {
  return error.code === 'SAME_CLUSTER';
}

/**
 * Failed checks without those that a server refused a user who lacks privileges anyway. A user who lacks none is refused nothing that a check
 * needs, so the side need not be known.
 */
function unexplained(failures: Outcome['failures'], found: readonly Found[]): Outcome['failures'] {
  if (!found.some(({ error }) => error.code === 'MISSING_PRIVILEGE')) return failures;
  return failures.filter(({ reason }) => !isUnauthorized(reason));
}

/** Returns a finding for each reason why checks couldn't run. */
function failuresOf(failures: Outcome['failures']): Found[] {
  const alike = Map.groupBy(failures, ({ check, reason }) => `${check.optional} ${messageOf(reason)}`);
  return [...alike.values()].map((group) => {
    const what = group.map(({ check }) => check.what).join(', ');
    const code = group.every(({ check }) => check.optional) ? 'CHECK_INCOMPLETE' : 'CHECK_FAILED';
    return failed(code, what, group[0]?.reason);
  });
}

function failed(code: 'CHECK_FAILED' | 'CHECK_INCOMPLETE', what: string, reason: unknown): Found {
  return found(code, [what, redact(messageOf(reason)).replace(/\.$/, '')]);
}

async function inTime<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T } | { readonly reason: unknown }> {
  try {
    const value = await unlessAborted(promise, signal);
    return value === undefined ? { reason: new Error('it took too long') } : { value };
  } catch (reason) {
    return { reason };
  }
}

function asData({ error, namespace }: Found): Finding {
  return findingOf(error, namespace);
}
