import type { MongoClient } from 'mongodb';
import { reach, UserError } from '../../platform/index.ts';
import { authenticatedUsers } from '../accounts/definition.ts';
import { clearTransit, dropAccounts } from '../accounts/make-accounts.ts';
import { dropCollection } from '../catalog/change-catalog.ts';
import { databaseExists, listCollections } from '../catalog/read-catalog.ts';
import { AllCheckpoints } from '../checkpoint/all-checkpoints.ts';
import type { MigrationRecord } from '../checkpoint/records.ts';
import { connectCluster } from '../cluster/connect.ts';
import { unblockWrites } from '../cutover/write-block.ts';
import type { ClusterAddress } from '../lifecycle/options.ts';
import { findLeftovers, type Leftovers } from './leftovers.ts';

/** An engine writes its checkpoint every five seconds, and reports no word of itself in between. */
const ENGINE_SILENT_MS = 30_000;
const ENDED = new Set(['committed', 'cancelled', 'failed']);

/** What migrations have left on a destination: of all, or of one. @throws UserError NO_SUCH_MIGRATION, and as connecting does */
export async function listLeftovers(destination: ClusterAddress, migrationId?: string): Promise<Leftovers[]> {
  await using client = await connectCluster(destination, 'destination');
  const checkpoints = await new AllCheckpoints(client).read(migrationId);
  if (migrationId !== undefined && checkpoints.length === 0) throw new UserError('NO_SUCH_MIGRATION', [migrationId]);
  return await Promise.all(checkpoints.map((checkpoint) => findLeftovers(client, checkpoint)));
}

/**
 * Forgets a migration for good: its checkpoint, and the write block that it set on the destination. Doing it again after it was interrupted
 * goes on where it was.
 * @param drop  also drops what the migration made there, and nothing else
 * @returns what was there before
 * @throws UserError NO_SUCH_MIGRATION, MIGRATION_RUNS, CUTOVER_UNFINISHED, COMMITTED_DATA for dropping what is the primary copy
 */
export async function cleanUp(
  destination: ClusterAddress,
  migrationId: string,
  { drop }: { readonly drop: boolean },
): Promise<Leftovers> {
  await using client = await connectCluster(destination, 'destination');
  const checkpoints = new AllCheckpoints(client);
  const [found] = await checkpoints.read(migrationId);
  if (found === undefined) throw new UserError('NO_SUCH_MIGRATION', [migrationId]);
  const { migration } = found;
  await refuseUnlessOver(client, migration, drop);
  const fence = await checkpoints.takeAway(migration);
  await reach('engine.cleanup.taken');
  // Once more: until then an engine may have put on record what it made.
  const [checkpoint = found] = await checkpoints.read(migrationId);
  const left = await findLeftovers(client, { ...checkpoint, migration });
  await clearTransit(fence);
  if (drop) {
    for (const { database, name, uuid } of [...left.collections, ...left.views]) {
      await dropCollection(fence, database, name, uuid);
      await reach('engine.cleanup.dropped');
    }
    await dropEmptied(client, migration, left);
    const self = await authenticatedUsers(client);
    const accounts = [...left.users.filter(({ _id }) => !self.has(_id.id)), ...left.roles];
    await dropAccounts(fence, accounts);
  }
  if (left.blocked) await unblockWrites(client);
  await reach('engine.cleanup.unblocked');
  await checkpoints.forget(migrationId);
  return left;
}

async function refuseUnlessOver(client: MongoClient, migration: MigrationRecord, drop: boolean): Promise<void> {
  const { _id, state, cutover, savedAt } = migration;
  if (state === 'committed' && drop) throw new UserError('COMMITTED_DATA', [_id]);
  if (cutover?.committed && state !== 'committed') throw new UserError('CUTOVER_UNFINISHED', [_id]);
  if (ENDED.has(state) || savedAt === undefined) return;
  const { localTime } = await client.db('admin').command({ hello: 1 });
  if (localTime.getTime() - savedAt.getTime() < ENGINE_SILENT_MS) throw new UserError('MIGRATION_RUNS', [_id]);
}

/** Dropping its last view leaves a database behind. One that was there before the migration stays. */
async function dropEmptied(client: MongoClient, { selection }: MigrationRecord, left: Leftovers): Promise<void> {
  if ((JSON.parse(selection) as { keepDestination?: boolean }).keepDestination) return;
  for (const database of new Set(left.views.map((view) => view.database))) {
    const isEmpty = (await listCollections(client, database)).length === 0;
    if (isEmpty && (await databaseExists(client, database))) await client.db(database).dropDatabase();
  }
}
