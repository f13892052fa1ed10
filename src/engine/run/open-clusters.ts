import type { MongoClient } from 'mongodb';
import type { Finding } from '../../contract/index.ts';
import { systemClock } from '../../platform/index.ts';
import { endingDeadlocks } from '../mongodb/block-deadlock.ts';
import { connectCluster } from '../mongodb/connect.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { Fence } from '../mongodb/fence.ts';
import type { ClusterDescription } from '../preflight/inspect-cluster.ts';
import { checkClusters, closeClients, examineOpen } from '../preflight/preflight.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import { OtherDirection } from '../records/other-direction.ts';
import type { MigrationOptions } from '../scope/options.ts';
import type { CheckedClusters } from './clusters.ts';
import { withoutSource } from './without-source.ts';

/** The clients of the clusters that could be reached. */
interface Connected {
  readonly source: MongoClient | undefined;
  readonly destination: MongoClient | undefined;
  /** The error of `connectCluster`: that of the source when neither can be reached. */
  readonly failure: unknown;
}

interface OpeningOptions {
  /** Whether the migration only runs to be cancelled, which no finding prevents. */
  readonly isCancelled: () => boolean;
  /** Whether another try follows, and the end of a committed cutover can wait for that. */
  readonly waitsForSource: () => boolean;
}

/**
 * Connects to both clusters and checks them. Without a source that can be used, opens only the parts that don't need it
 * ({@link withoutSource}).
 * @throws UserError the first finding that keeps a migration from starting; then nothing was changed
 * @throws OtherDirection as {@link withoutSource}
 */
export async function openClusters(
  options: MigrationOptions,
  { isCancelled, waitsForSource }: OpeningOptions,
): Promise<CheckedClusters> {
  const clients = await connectBoth(options);
  try {
    try {
      return await openBoth(clients, options, isCancelled);
    } catch (error) {
      if (!isCancelled() && waitsForSource() && classify(error) === 'transient') throw error;
      const clusters = await withoutSource(options, clients, { error, isCancelled: isCancelled() });
      if (clusters === undefined) throw error;
      await clients.source?.close();
      return clusters;
    }
  } catch (error) {
    await closeClients(clients);
    throw error;
  }
}

async function openBoth(
  { source, destination, failure }: Connected,
  options: MigrationOptions,
  isCancelled: () => boolean,
): Promise<CheckedClusters> {
  if (source === undefined || destination === undefined) throw failure;
  const checked = await endingDeadlocks(source, () => checkClusters(source, destination, options));
  const [firstError] = checked.errors;
  if (firstError !== undefined && !isCancelled()) throw firstError;
  return { source, destination, checked: { ...checked, hasAdvice: false }, writers: writersOf(checked.destination) };
}

/**
 * Runs the whole preflight, and leaves the connections open for the run that follows. Pass them to it, or close them.
 * @returns all findings; no clusters when a finding keeps the migration from starting (`isRefused`), and when a check
 * would have needed more time, so that the run has to check by itself. For a committed cutover, which no finding
 * refuses, only the warnings; no clusters when the run has to begin with another direction
 */
export async function openExamined(options: MigrationOptions): Promise<{
  readonly findings: readonly Finding[];
  readonly isRefused: boolean;
  readonly clusters?: CheckedClusters;
}> {
  const { findings, clients, sizes, ...examined } = await examineOpen(options);
  const { source, destination } = clients;
  const isRefused = findings.some(({ severity }) => severity === 'ERROR');
  const isComplete = sizes?.left === 0 && !findings.some(({ code }) => code === 'CHECK_INCOMPLETE');
  const { source: from, destination: to, sourceFeatures } = examined;
  // rule: complete-late-checks
  if (!isRefused && isComplete && source && destination && from && to && sourceFeatures) {
    const checked = { source: from, destination: to, sourceFeatures, warnings: findings, hasAdvice: true };
    return { findings, isRefused, clusters: { source, destination, checked, writers: writersOf(checked.destination) } };
  }
  const [refusal] = findings.filter(({ severity }) => severity === 'ERROR');
  const committed = refusal && (await openCommitted(options, clients, refusal));
  if (committed !== undefined) {
    const warnings = findings.filter(({ severity }) => severity === 'WARNING');
    return { findings: warnings, isRefused: false, ...committed };
  }
  await closeClients(clients);
  return { findings, isRefused };
}

/** Opens a migration whose cutover is committed, although a finding refuses it: the remaining work needs no source. */
async function openCommitted(
  options: MigrationOptions,
  clients: Pick<Connected, 'source' | 'destination'>,
  { message }: Finding,
): Promise<{ readonly clusters?: CheckedClusters } | undefined> {
  try {
    const clusters = await withoutSource(options, clients, { error: message, isCancelled: false });
    if (clusters === undefined) return undefined;
    await clients.source?.close();
    return { clusters };
  } catch (error) {
    if (!(error instanceof OtherDirection)) return undefined;
    // The run has to begin with that direction, and connects by itself.
    await closeClients(clients);
    return {};
  }
}

/** Returns the user of a cluster's connections, named as by {@link authenticatedUsers}; none without authentication. */
function writersOf({ privileges }: Pick<ClusterDescription, 'privileges'>): ReadonlySet<string> {
  return new Set(privileges && [`${privileges.login.db}.${privileges.login.user}`]);
}

async function connectBoth(options: MigrationOptions): Promise<Connected> {
  const [source, destination] = await Promise.allSettled([
    connectCluster(options.source, 'source'),
    connectCluster(options.destination, 'destination'),
  ]);
  const failed = [source, destination].find((one) => one.status === 'rejected');
  const clientIn = (one: PromiseSettledResult<MongoClient>) => (one.status === 'fulfilled' ? one.value : undefined);
  return { source: clientIn(source), destination: clientIn(destination), failure: failed?.reason };
}

/**
 * Returns whether the destination has a record of the migration. The first write of every migration is its record.
 * @throws UserError as `connectCluster`
 */
export async function hasBegun({
  destination: address,
  migrationId,
  clock = systemClock,
}: MigrationOptions): Promise<boolean> {
  const destination = await connectCluster(address, 'destination');
  try {
    return (await new CheckpointStore(new Fence(destination, migrationId, clock)).peek()) !== undefined;
  } finally {
    await destination.close();
  }
}
