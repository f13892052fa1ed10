import type { MongoClient } from 'mongodb';
import { failpoint, silentLogger, systemClock, UserError } from '../../platform/index.ts';
import { clearTransit, dropAccounts } from '../accounts/make-accounts.ts';
import { dropCollection } from '../catalog/change-catalog.ts';
import { databaseExists, isEmptyDatabase } from '../catalog/read-catalog.ts';
import type { ClusterAddress } from '../mongodb/connect.ts';
import { connectCluster } from '../mongodb/connect.ts';
import type { Fence } from '../mongodb/fence.ts';
import { STORED_FUNCTIONS } from '../mongodb/namespaces.ts';
import { Retrier } from '../mongodb/retry.ts';
import { unblockWrites } from '../mongodb/write-block.ts';
import { AllCheckpoints } from '../records/all-checkpoints.ts';
import { isAtWork, keepsDestination } from '../records/destination-owner.ts';
import { closeFailback } from '../records/failback.ts';
import { hasFailback, keepsFailback, type MigrationRecord } from '../records/records.ts';
import { recognizeOnDestination } from '../records/tried-raw-data.ts';
import { findLeftovers, type Leftovers } from './leftovers.ts';

const WITHIN_MS = 60_000;

/**
 * Lists the leftovers of one migration, or of all migrations, on a destination.
 * @throws UserError NO_SUCH_MIGRATION, and the errors of connecting
 */
export async function listLeftovers(destination: ClusterAddress, migrationId?: string): Promise<Leftovers[]> {
  await using client = await connectCluster(destination, 'destination');
  await recognizeOnDestination(client);
  const checkpoints = await new AllCheckpoints(client, retrierOfCleanup()).read(migrationId);
  if (migrationId !== undefined && checkpoints.length === 0) throw new UserError('NO_SUCH_MIGRATION', [migrationId]);
  return await Promise.all(checkpoints.map((checkpoint) => findLeftovers(client, checkpoint)));
}

/**
 * Removes a migration's records permanently: its checkpoint, and the write block that it set on the destination. Repeating
 * an interrupted cleanup continues it. For a retired migration only the records are removed, because the destination
 * belongs to another migration.
 * @param drop  also drops everything that the migration created there, and nothing else
 * @param closesFailback  whether to close a failback that is open; without this, it is refused
 * @param dryRun  makes the same checks and changes nothing; tells of an open failback, and isn't refused then
 * @returns the leftovers before this call
 * @throws UserError NO_SUCH_MIGRATION, MIGRATION_RUNS, CUTOVER_UNFINISHED, FAILBACK_OPEN, COMMITTED_DATA for dropping the
 * primary copy, TAKEN_OVER when an engine or another migration was faster, FAILBACK_LOST when users may have returned
 */
export async function cleanUp(
  destination: ClusterAddress,
  migrationId: string,
  {
    drop,
    dryRun = false,
    closesFailback = false,
  }: { readonly drop: boolean; readonly dryRun?: boolean; readonly closesFailback?: boolean },
): Promise<Leftovers> {
  await using client = await connectCluster(destination, 'destination');
  // rule: raw-data-in-cleanup
  await recognizeOnDestination(client);
  const checkpoints = new AllCheckpoints(client, retrierOfCleanup());
  const [found] = await checkpoints.read(migrationId);
  if (found === undefined) throw new UserError('NO_SUCH_MIGRATION', [migrationId]);
  const { migration } = found;
  const { retiredBy } = migration;
  if (retiredBy === undefined)
    await refuseUnlessOver(client, migration, { drop, closesFailback: closesFailback || dryRun });
  if (dryRun) return await findLeftovers(client, found);
  if (retiredBy !== undefined) {
    await checkpoints.shutOut(retiredBy);
    const left = await findLeftovers(client, found);
    await checkpoints.forget(migration, true);
    return left;
  }
  // An engine that is about to return sees the note, or is seen by its block.
  if (hasFailback(migration)) await closeFailback(destination, migrationId, migration.reversals ?? 0);
  const fence = await checkpoints.takeAway(migration);
  await failpoint('engine.cleanup.taken');
  // Read again: an engine may have recorded more until the takeover.
  const [checkpoint = found] = await checkpoints.read(migrationId);
  const left = await findLeftovers(client, { ...checkpoint, migration });
  await clearTransit(fence);
  if (drop) {
    for (const { database, name, uuid } of [...left.collections, ...left.views]) {
      await dropCollection(fence, database, name, uuid);
      await failpoint('engine.cleanup.dropped');
    }
    // A migration that shares the destination may be about to create something in an empty database.
    if (checkpoint.alone) await dropEmptied(client, fence, migration, left);
    await dropAccounts(fence, [...left.users, ...left.roles]);
  }
  await failpoint('engine.cleanup.about-to-unblock');
  // Confirmed last: a migration that has taken the destination since may have blocked it for itself.
  // rule: confirm-before-cleanup
  await fence.confirm();
  if (left.blocked) await unblockWrites(client);
  await failpoint('engine.cleanup.unblocked');
  await checkpoints.forget(migration, false);
  return left;
}

async function refuseUnlessOver(
  client: MongoClient,
  migration: MigrationRecord,
  { drop, closesFailback }: { readonly drop: boolean; readonly closesFailback: boolean },
): Promise<void> {
  const { _id, state, cutover, reversals = 0 } = migration;
  // A reversed migration's destination was its source before.
  // rule: cleanup-keeps-old-data
  if ((state === 'COMMITTED' || reversals > 0) && drop) throw new UserError('COMMITTED_DATA', [_id]);
  if (cutover?.committed && state !== 'COMMITTED') throw new UserError('CUTOVER_UNFINISHED', [_id]);
  // rule: cleanup-keeps-failback-records
  if (!closesFailback && keepsFailback(migration)) throw new UserError('FAILBACK_OPEN', [_id, _id]);
  const { localTime } = await client.db('admin').command({ hello: 1 });
  if (isAtWork(migration, localTime.getTime())) throw new UserError('MIGRATION_RUNS', [_id]);
}

function retrierOfCleanup(): Retrier {
  return new Retrier(systemClock, silentLogger, AbortSignal.timeout(WITHIN_MS));
}

/** Dropping its last view, or emptying stored functions, leaves an empty database. One that existed before the migration stays. */
async function dropEmptied(
  client: MongoClient,
  fence: Fence,
  migration: MigrationRecord,
  left: Leftovers,
): Promise<void> {
  if (keepsDestination(migration)) return;
  const functions = left.collections.filter(({ name }) => name === STORED_FUNCTIONS);
  for (const database of new Set([...left.views, ...functions].map((entry) => entry.database))) {
    if ((await isEmptyDatabase(client, database)) && (await databaseExists(client, database)))
      await fence.change(database, { dropDatabase: 1 });
  }
}
