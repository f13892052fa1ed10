import type { MongoClient } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import { authenticatedUsers } from '../accounts/definition.ts';
import { endingDeadlocks } from '../mongodb/block-deadlock.ts';
import { clientOf, connectCluster } from '../mongodb/connect.ts';
import { Fence } from '../mongodb/fence.ts';
import { type SourceFeatures, sourceFeatures } from '../mongodb/server-features.ts';
import { levelOf } from '../preflight/checks/versions.ts';
import type { Finding } from '../preflight/finding.ts';
import type { ClusterDescription } from '../preflight/inspect-cluster.ts';
import { checkClusters, closeClients, examineOpen } from '../preflight/preflight.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import type { MigrationOptions } from '../scope/options.ts';

/** The connections to both clusters of a run, with the results of their checks. */
export interface Clusters {
  readonly source: MongoClient;
  readonly destination: MongoClient;
  readonly checked: {
    readonly source: Pick<ClusterDescription, 'clusterId' | 'primary'>;
    readonly destination: Pick<ClusterDescription, 'clusterId' | 'primary'>;
    readonly sourceFeatures: SourceFeatures;
    readonly warnings: readonly Finding[];
    /** Whether the warnings include the advice of slow checks. */
    readonly hasAdvice: boolean;
  };
  /** The users as which the engine writes to the destination. */
  readonly writers: ReadonlySet<string>;
  /** Whether the source can't be reached, and a migration is only to be cancelled. */
  readonly isWithoutSource?: boolean;
}

/**
 * Connects to both clusters and checks them.
 * @param isCancelled  whether the migration only runs to be cancelled, which no finding prevents
 * @throws UserError the first finding that keeps a migration from starting; then nothing was changed
 */
export async function openClusters(options: MigrationOptions, isCancelled: () => boolean): Promise<Clusters> {
  const [source, destination] = await connectBoth(options);
  try {
    const checked = await endingDeadlocks(source, () => checkClusters(source, destination, options));
    const [firstError] = checked.errors;
    if (firstError !== undefined && !isCancelled()) throw firstError;
    return { source, destination, checked: { ...checked, hasAdvice: false }, writers: writersOf(checked.destination) };
  } catch (error) {
    await Promise.all([source.close(), destination.close()]);
    throw error;
  }
}

/**
 * Runs the whole preflight, and leaves the connections open for the run that follows. Pass them to it, or close them.
 * @returns all findings; no clusters when a finding keeps the migration from starting (`isRefused`), and when a check
 * would have needed more time, so that the run has to check by itself
 */
export async function openExamined(
  options: MigrationOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly isRefused: boolean; readonly clusters?: Clusters }> {
  const { findings, clients, sizes, ...examined } = await examineOpen(options);
  const { source, destination } = clients;
  const isRefused = findings.some(({ severity }) => severity === 'error');
  const isComplete = sizes?.left === 0 && !findings.some(({ code }) => code === 'CHECK_INCOMPLETE');
  if (!isRefused && isComplete && source && destination && examined.source && examined.destination) {
    const checked = {
      source: examined.source,
      destination: examined.destination,
      sourceFeatures: sourceFeatures(levelOf(examined.source)),
      warnings: findings,
      hasAdvice: true,
    };
    return { findings, isRefused, clusters: { source, destination, checked, writers: writersOf(checked.destination) } };
  }
  await closeClients(clients);
  return { findings, isRefused };
}

/** Returns the user of a cluster's connections, named as by {@link authenticatedUsers}; none without authentication. */
function writersOf({ privileges }: Pick<ClusterDescription, 'privileges'>): ReadonlySet<string> {
  return new Set(privileges && [`${privileges.login.db}.${privileges.login.user}`]);
}

/** @throws UserError as `connectCluster`: that of the source when neither can be reached */
async function connectBoth(options: MigrationOptions): Promise<[source: MongoClient, destination: MongoClient]> {
  const connected = await Promise.allSettled([
    connectCluster(options.source, 'source'),
    connectCluster(options.destination, 'destination'),
  ]);
  const [source, destination] = connected;
  if (source.status === 'fulfilled' && destination.status === 'fulfilled') return [source.value, destination.value];
  await Promise.all(connected.map((one) => one.status === 'fulfilled' && one.value.close()));
  throw source.status === 'rejected' ? source.reason : (destination as PromiseRejectedResult).reason;
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

/**
 * Connects to the destination alone, to cancel a migration whose source can't be reached. Everything that the migration
 * made, and its record, is there.
 * @returns undefined if there is no record, and if the source may be blocked or the destination be open: cancelling needs
 * the source then
 */
export async function openWithoutSource(options: MigrationOptions): Promise<Clusters | undefined> {
  const { clock = systemClock, migrationId } = options;
  const source = clientOf(options.source, 'source');
  const destination = await connectCluster(options.destination, 'destination');
  try {
    const record = await new CheckpointStore(new Fence(destination, migrationId, clock)).peek();
    if (record !== undefined && !record.cutover?.blocking && !record.cutover?.committed) {
      const [{ primary = '' }, writers] = await Promise.all([
        destination.db('admin').command({ hello: 1 }),
        authenticatedUsers(destination),
      ]);
      const checked = {
        source: { clusterId: record.sourceId, primary: '' },
        destination: { clusterId: record.destinationId, primary },
        sourceFeatures: sourceFeatures(''),
        warnings: [],
        hasAdvice: false,
      };
      return { source, destination, checked, writers, isWithoutSource: true };
    }
  } catch (error) {
    await destination.close();
    throw error;
  }
  await destination.close();
  return undefined;
}
