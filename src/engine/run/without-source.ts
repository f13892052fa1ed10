import type { MongoClient } from 'mongodb';
import { failpoint, messageOf, redact, systemClock, UserError } from '../../platform/index.ts';
import { authenticatedUsers } from '../accounts/definition.ts';
import { clientOf } from '../mongodb/connect.ts';
import { Fence } from '../mongodb/fence.ts';
import { sourceFeatures } from '../mongodb/server-features.ts';
import { checkCluster } from '../preflight/checks/versions.ts';
import { describeCluster } from '../preflight/inspect-cluster.ts';
import { CheckpointStore } from '../records/checkpoint-store.ts';
import type { ClusterIds } from '../records/context.ts';
import { OtherDirection } from '../records/other-direction.ts';
import { hasFailback, type MigrationRecord } from '../records/records.ts';
import { recognizeOnDestination } from '../records/tried-raw-data.ts';
import type { MigrationOptions } from '../scope/options.ts';
import type { CheckedClusters, LackOfSource } from './clusters.ts';

/** The connections to both clusters; undefined for one that can't be reached. */
interface Reached {
  readonly source: MongoClient | undefined;
  readonly destination: MongoClient | undefined;
}

interface WithoutSourceOptions {
  /** Why the migration can't be opened with both clusters. */
  readonly error: unknown;
  /** Whether the migration only runs to be cancelled. */
  readonly isCancelled: boolean;
}

/**
 * Opens the parts that don't need the source, after an attempt to open both clusters has failed:
 * - The cutover is committed, and isn't finished or has no failback. The remaining work is on the destination only.
 * - The migration is cancelled, and its source can't be reached. Everything that it made, and its record, is on the destination.
 * @returns undefined if the source is needed: it may be blocked, or the destination isn't the primary copy yet
 * @throws OtherDirection when another direction has committed its cutover, and needs no source either
 * @throws UserError the first finding about a destination that can't finish the cutover
 */
export async function withoutSource(
  options: MigrationOptions,
  { source, destination }: Reached,
  { error, isCancelled }: WithoutSourceOptions,
): Promise<CheckedClusters | undefined> {
  const { reversals = 0 } = options;
  const [opposite, own] = await Promise.all([recordOn(source, options), recordOn(destination, options)]);
  const ending = Math.max(endingDirection(opposite), endingDirection(own));
  // The direction after it is the present one, whose engine begins with the one that has cut over.
  // rule: commit-of-failback-elsewhere
  if (ending > reversals) throw new OtherDirection(ending + 1);
  if (destination === undefined || own === undefined) return undefined;
  const reason = redact(messageOf(error)).replace(/\.$/, '');
  // rule: finish-without-source
  if (endingDirection(own) === reversals) {
    const described = await describeCluster(destination, options.clock);
    const [finding] = checkCluster(described, 'destination', options);
    // rule: check-lone-destination
    if (finding !== undefined) throw finding.error;
    await failpoint('engine.opening.without-source');
    // Records that were restored to another cluster are not this migration's.
    const ids = { sourceId: own.sourceId, destinationId: described.clusterId };
    return await opened(options, { destination, ids, lacksSource: { act: 'finish the cutover', reason } });
  }
  const isUnreachable = error instanceof UserError && error.code === 'SOURCE_UNREACHABLE';
  // rule: cancel-without-source
  if (!isCancelled || !isUnreachable || own.cutover?.blocking || own.cutover?.committed) return undefined;
  return await opened(options, { destination, ids: own, lacksSource: { act: 'cancel', reason } });
}

/** Returns the record of the migration on a cluster; undefined if there is none, or it can't be read. */
async function recordOn(
  client: MongoClient | undefined,
  { migrationId, clock = systemClock }: MigrationOptions,
): Promise<MigrationRecord | undefined> {
  // The error of the attempt to open both clusters says more.
  return client && (await new CheckpointStore(new Fence(client, migrationId, clock)).peek().catch(() => undefined));
}

/**
 * Returns the direction that has cut over by its record, and ends without its source; -1 for none. One that is finished
 * and has a failback needs both sides: only the failback is left to run.
 */
function endingDirection(record: MigrationRecord | undefined): number {
  if (record?.cutover?.committed !== true || record.retiredBy !== undefined) return -1;
  return record.state === 'COMMITTED' && hasFailback(record) ? -1 : (record.reversals ?? 0);
}

interface Destination {
  readonly destination: MongoClient;
  readonly ids: ClusterIds;
  readonly lacksSource: LackOfSource;
}

async function opened(
  options: MigrationOptions,
  { destination, ids, lacksSource }: Destination,
): Promise<CheckedClusters> {
  const [{ primary = '' }, writers] = await Promise.all([
    destination.db('admin').command({ hello: 1 }),
    authenticatedUsers(destination),
    recognizeOnDestination(destination),
  ]);
  const checked = {
    source: { clusterId: ids.sourceId, primary: '' },
    destination: { clusterId: ids.destinationId, primary },
    sourceFeatures: sourceFeatures(''),
    warnings: [],
    hasAdvice: false,
  };
  return { source: clientOf(options.source, 'source'), destination, checked, writers, lacksSource };
}
