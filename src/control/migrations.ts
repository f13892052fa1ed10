import { isId, newId, reach, UserError } from '../platform/index.ts';
import { type Actor, authorizeGroup } from './actor.ts';
import type { Control } from './control.ts';
import { type OrderRequest, passwordSealer, resolveOrder } from './migration-order.ts';
import { ACTIVE_STATUSES, NEW_MIGRATION, transition } from './migration-state.ts';
import type { Migration, Order, OrganizationRole } from './records.ts';
import type { StoreReader } from './store-port.ts';

/**
 * Starts a migration: its agent takes it up as soon as it hears of it.
 * @throws UserError SOURCE_CLUSTER_ALREADY_MIGRATING, CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT, and as {@link resolveOrder}
 */
export async function createMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  request: OrderRequest,
): Promise<Migration> {
  const nowMs = control.clock.now();
  const id = newId(nowMs);
  const seal = passwordSealer(control, 'migrations', id);
  const migration = await control.store.write(async (transaction) => {
    const order = await resolveOrder(transaction, actor, groupId, request, seal);
    await assertIdle(transaction, order, request.destination.clusterName);
    const record: Migration = {
      ...order,
      id,
      state: NEW_MIGRATION,
      progress: null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    await transaction.insertMigration(record);
    return record;
  });
  await reach('control.migration.committed');
  control.signals.wake(migration.agentId);
  return migration;
}

/** @throws UserError INVALID_PATH_PARAMETER, LIVE_MIGRATION_NOT_FOUND, and as {@link authorizeGroup} */
export async function getMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await findMigration(control.store, actor, groupId, migrationId, 'ORG_MEMBER');
}

/**
 * Wants the cutover of a migration that is ready for it. Asking again is harmless.
 * @throws UserError CUTOVER_NOT_READY, CUTOVER_AFTER_END, and as {@link getMigration}
 */
export async function requestCutover(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<void> {
  const atMs = control.clock.now();
  const migration = await control.store.write(async (transaction) => {
    const record = await findMigration(transaction, actor, groupId, migrationId, 'ORG_OWNER');
    const state = transition(record.state, { kind: 'cutover', atMs });
    if (state === 'refused' || state === 'ignored') throw cutoverRefusal(record);
    if (state !== record.state) await transaction.updateMigration({ ...record, state, updatedAtMs: atMs });
    return record;
  });
  await reach('control.cutover.committed');
  control.signals.wake(migration.agentId);
}

function cutoverRefusal({ id, state, progress }: Migration): UserError {
  if (!ACTIVE_STATUSES.includes(state.status)) return new UserError('CUTOVER_AFTER_END', [id, state.status]);
  const reasons = progress?.notReadyReasons ?? ['its agent has not taken it up yet'];
  return new UserError('CUTOVER_NOT_READY', [id, reasons.join('; ') || 'its agent has not reported it ready']);
}

async function findMigration(
  store: StoreReader,
  actor: Actor,
  groupId: string,
  migrationId: string,
  role: OrganizationRole,
): Promise<Migration> {
  await authorizeGroup(store, actor, groupId, role);
  if (!isId(migrationId)) throw new UserError('INVALID_PATH_PARAMETER', ['liveMigrationId']);
  const migration = await store.migration(migrationId);
  if (migration?.groupId !== groupId) throw new UserError('LIVE_MIGRATION_NOT_FOUND', [migrationId, groupId]);
  return migration;
}

/** One migration at a time for a source cluster, and one for a destination cluster. */
async function assertIdle(store: StoreReader, order: Order, destinationName: string): Promise<void> {
  for (const other of await store.activeMigrationsOfOrganization(order.orgId)) {
    if (other.destinationClusterId === order.destinationClusterId) {
      throw new UserError('CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT', [destinationName, other.id]);
    }
    const sameSource =
      other.agentId === order.agentId &&
      other.sourceGroupId === order.sourceGroupId &&
      other.sourceClusterName === order.sourceClusterName;
    if (sameSource) {
      throw new UserError('SOURCE_CLUSTER_ALREADY_MIGRATING', [other.id, order.sourceClusterName, order.host]);
    }
  }
}
