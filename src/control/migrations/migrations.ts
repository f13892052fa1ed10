import { type ShownCutoverReport, showCutoverReport } from '../../contract/index.ts';
import { failpoint, isId, newId, UserError } from '../../platform/index.ts';
import { authorizeGroup } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import { addressOfCluster } from '../clusters/clusters.ts';
import { wantUser } from '../clusters/destination-users.ts';
import type { Control } from '../ports/control.ts';
import { wakeSet } from '../ports/wake-set.ts';
import type { Actor } from '../records/actor.ts';
import { peersOf } from '../records/link-sets.ts';
import { NEW_MIGRATION } from '../records/migration-state.ts';
import { lastValidationInto } from '../records/queries.ts';
import type { Migration, Order } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import { createdBefore, idempotencyOf } from './created-before.ts';
import { assertDigestHelper } from './digests.ts';
import { labelDetails, type OrderRequest, orderDetails, passwordSealer, resolveOrder } from './migration-order.ts';
import { problemsOf } from './problems-of.ts';

/**
 * Creates a migration. Its agent gets the order once the migration's user exists on the destination, and then starts.
 * @param key  an Idempotency-Key: a repeated request returns the migration that the first one created, also once it has ended. None by default
 * @throws UserError DIGEST_HELPER_NOT_FOUND, DESTINATION_CHANGED, SOURCE_CLUSTER_ALREADY_MIGRATING, CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT, and as
 *   {@link resolveOrder} and {@link createdBefore}
 */
export async function createMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  request: OrderRequest,
  key: string | null = null,
): Promise<Migration> {
  const nowMs = control.clock.now();
  const id = newId(nowMs);
  const seal = passwordSealer(control, 'migrations', id);
  const idempotency = idempotencyOf(key, request);
  const migration = await control.store.write(async (transaction) => {
    await authorizeGroup(transaction, actor, groupId, 'ORG_OWNER');
    // rule: one-migration-of-key
    const before = await createdBefore(transaction, groupId, idempotency);
    if (before !== undefined) return before;
    const order = await resolveOrder(transaction, nowMs, actor, groupId, request, seal);
    await assertDigestHelper(control, transaction, order);
    await assertIdle(transaction, order, request.destination.clusterName);
    await assertSameDestination(control, transaction, order, request.destination.clusterName);
    const record: Migration = {
      ...order,
      id,
      state: order.reversible ? { ...NEW_MIGRATION, failback: 'PLANNED' } : NEW_MIGRATION,
      progress: null,
      failback: null,
      reportedAtMs: null,
      takenOver: null,
      move: null,
      labels: request.labels ?? {},
      note: request.note ?? null,
      idempotency,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    await transaction.insert('migrations', record);
    const databaseUser = await wantUser(control, transaction, record, 'migration');
    await audit(transaction, actor, nowMs, {
      eventTypeName: 'LIVE_MIGRATION_CREATED',
      orgId: order.orgId,
      groupId,
      details: {
        liveMigrationId: id,
        ...orderDetails(order, request.destination.clusterName, databaseUser),
        ...labelDetails(record),
      },
    });
    return record;
  });
  await failpoint('control.migration.committed');
  control.userAlarm.ring();
  await wakeSet(control, migration.agentId);
  return migration;
}

/**
 * Finds a migration for its Atlas fields, with the role that Atlas asks for.
 * @throws UserError INVALID_PATH_PARAMETER, LIVE_MIGRATION_NOT_FOUND, and as {@link authorizeGroup}
 */
export async function getMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await findMigration(control.store, actor, groupId, migrationId, 'ORG_MEMBER');
}

/** Finds a migration for what names its data: the namespaces and the keys. @throws UserError as {@link getMigration} */
export async function getMigrationOfReader(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await findMigration(control.store, actor, groupId, migrationId, 'GROUP_READ_ONLY');
}

/**
 * Returns the report of a cutover that has passed its point of no return.
 * @throws UserError CUTOVER_REPORT_MISSING, and as {@link getMigration}
 */
export async function getCutoverReport(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<ShownCutoverReport> {
  const migration = await getMigrationOfReader(control, actor, groupId, migrationId);
  const { progress, state } = migration;
  if (progress?.cutoverReport === undefined) throw new UserError('CUTOVER_REPORT_MISSING', [migrationId]);
  const isFailbackOpen = state.failback !== undefined && state.endedAtMs === null;
  return showCutoverReport(progress.cutoverReport, { isFailbackOpen, problems: problemsOf(migration) });
}

/** @throws UserError INVALID_PATH_PARAMETER, LIVE_MIGRATION_NOT_FOUND, and as {@link authorizeGroup} */
export async function findMigration(
  store: StoreReader,
  actor: Actor,
  groupId: string,
  migrationId: string,
  role: 'ORG_OWNER' | 'ORG_MEMBER' | 'GROUP_READ_ONLY',
): Promise<Migration> {
  await authorizeGroup(store, actor, groupId, role);
  if (!isId(migrationId)) throw new UserError('INVALID_PATH_PARAMETER', ['liveMigrationId']);
  const migration = await store.get('migrations', migrationId);
  if (migration?.groupId !== groupId) throw new UserError('LIVE_MIGRATION_NOT_FOUND', [migrationId, groupId]);
  return migration;
}

/**
 * Checks that the destination still has the validated address. A cluster manager may change the address, while the owner's request only
 * has the cluster's name. Once the migration exists, its destination can't be changed before it ends.
 */
async function assertSameDestination(control: Control, store: StoreReader, order: Order, name: string): Promise<void> {
  const validation = await lastValidationInto(store, order.groupId, name);
  if (!validation) return;
  const { fingerprint } = await addressOfCluster(control, store, order.destinationClusterId);
  if (fingerprint !== validation.destinationAddress) throw new UserError('DESTINATION_CHANGED', [name, validation.id]);
}

/**
 * Invariant: a source cluster and a destination cluster are each in at most one active migration. Agents that stand by for each other
 * have the same source clusters.
 */
async function assertIdle(store: StoreReader, order: Order, destinationName: string): Promise<void> {
  const agent = await store.get('agents', order.agentId);
  // rule: one-migration-of-source
  const peerIds = agent ? (await peersOf(store, agent)).map(({ id }) => id) : [];
  for (const other of await store.find('migrations', { orgId: order.orgId, isActive: true })) {
    if (other.destinationClusterId === order.destinationClusterId) {
      throw new UserError('CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT', [destinationName, other.id]);
    }
    const sameSource =
      [order.agentId, ...peerIds].includes(other.agentId) &&
      other.sourceGroupId === order.sourceGroupId &&
      other.sourceClusterName === order.sourceClusterName;
    if (sameSource) {
      throw new UserError('SOURCE_CLUSTER_ALREADY_MIGRATING', [other.id, order.sourceClusterName, other.host]);
    }
  }
}
