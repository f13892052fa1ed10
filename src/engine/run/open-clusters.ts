import type { MongoClient } from 'mongodb';
import { systemClock } from '../../platform/index.ts';
import { clientOf, connectCluster } from '../mongodb/connect.ts';
import { Fence } from '../mongodb/fence.ts';
import { type SourceFeatures, sourceFeatures } from '../mongodb/server-features.ts';
import type { Finding } from '../preflight/finding.ts';
import type { ClusterDescription } from '../preflight/inspect-cluster.ts';
import { checkClusters } from '../preflight/preflight.ts';
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
  };
}

/**
 * Connects to both clusters and checks them.
 * @param isCancelled  whether the migration only runs to be cancelled, which no finding prevents
 * @throws UserError the first finding that keeps a migration from starting; then nothing was changed
 */
export async function openClusters(options: MigrationOptions, isCancelled: () => boolean): Promise<Clusters> {
  const clients: MongoClient[] = [];
  try {
    const source = await connectCluster(options.source, 'source');
    clients.push(source);
    const destination = await connectCluster(options.destination, 'destination');
    clients.push(destination);
    const checked = await checkClusters(source, destination, options);
    const [firstError] = checked.errors;
    if (firstError !== undefined && !isCancelled()) throw firstError;
    return { source, destination, checked };
  } catch (error) {
    await Promise.all(clients.map((client) => client.close()));
    throw error;
  }
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
      const { primary = '' } = await destination.db('admin').command({ hello: 1 });
      const checked = {
        source: { clusterId: record.sourceId, primary: '' },
        destination: { clusterId: record.destinationId, primary },
        sourceFeatures: sourceFeatures(''),
        warnings: [],
      };
      return { source, destination, checked };
    }
  } catch (error) {
    await destination.close();
    throw error;
  }
  await destination.close();
  return undefined;
}
