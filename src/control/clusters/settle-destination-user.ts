import { failpoint, messageOf, migrationUserName, UserError } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { wakeSet } from '../ports/wake-set.ts';
import { standingDestinationUsers } from '../records/queries.ts';
import type { Cluster, DestinationUser } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { connectionStringPlace } from './clusters.ts';
import { credentialsOf, passwordPlace } from './destination-users.ts';
import { failOrder, orderOf, type UserOfOrder } from './order-of-user.ts';

/** How long a user stays after its migration's end: an engine may still write its last checkpoint, for which its agent waits this long. */
const AFTER_END_MS = 10_000;
const MAKE_WITHIN_MINUTES = 5;

/**
 * Creates or drops one user on a destination, as its order requires. It is idempotent, so it can be repeated after a kill at any point.
 * @param signal  ends the attempt, because the server stops
 * @throws errors that may be transient
 */
export async function settleDestinationUser(
  control: Control,
  user: DestinationUser,
  signal: AbortSignal,
): Promise<void> {
  const order = await orderOf(control.store, user);
  const cluster = await control.store.get('clusters', user.clusterId);
  if (!cluster) throw new Error(`The destination of the user ${migrationUserName(user.id)} is missing in the store`);
  if (order.endedAtMs === null) {
    if (user.state !== 'made') await make(control, user, order, cluster, signal);
  } else if (
    cluster.deletedAtMs !== null ||
    control.clock.now() - order.endedAtMs >= AFTER_END_MS ||
    (await isRevoked(control, order.agentId))
  ) {
    await drop(control, user, order, cluster, signal);
  }
}

/** Whether the agent's link was revoked. Then its user is dropped without waiting. */
async function isRevoked({ store }: Control, agentId: string): Promise<boolean> {
  const agent = await store.get('agents', agentId);
  return agent !== undefined && (await store.get('links', agent.linkId))?.ended === 'revoked';
}

async function make(
  control: Control,
  user: DestinationUser,
  order: UserOfOrder,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<void> {
  // Its former leader has begun, so only the agent that takes it over can end it.
  // rule: renewal-ends-no-migration
  const isNew = user.state === 'wanted';
  if (isNew && order.isCancelled) return await failOrder(control, user, 'cancelled');
  try {
    const { reversible, usersAndRoles } = order;
    const made = { ...credentialsOf(control, user), reversible, usersAndRoles };
    await control.destinations.makeUser(order, registeredUri(control, cluster), made, signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof UserError ? error : tooLate(control, user, error);
    if (!isNew || reason === undefined) throw error;
    return await failOrder(control, user, reason);
  }
  await failpoint('control.destination-user.made');
  await control.store.write(async (transaction) => {
    // rule: reread-destination-user
    await changeUser(transaction, user.id, { state: 'made' });
    await auditUser(control, transaction, user, order, 'MONGODB_USER_ADDED');
  });
  await failpoint('control.destination-user.recorded');
  await wakeSet(control, order.agentId);
}

function tooLate({ clock }: Control, { createdAtMs }: DestinationUser, error: unknown): UserError | undefined {
  if (clock.now() - createdAtMs < MAKE_WITHIN_MINUTES * 60_000) return undefined;
  return new UserError('DESTINATION_USER_NOT_MADE', [String(MAKE_WITHIN_MINUTES), messageOf(error)], { cause: error });
}

async function drop(
  control: Control,
  user: DestinationUser,
  order: UserOfOrder,
  cluster: Cluster,
  signal: AbortSignal,
): Promise<void> {
  let state: DestinationUser['state'] = 'dropped';
  try {
    await control.destinations.dropUser(order, registeredUri(control, cluster), migrationUserName(user.id), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (cluster.deletedAtMs === null) throw error;
    // A deleted cluster may no longer exist. Don't keep its credentials for retries.
    state = 'left';
  }
  await failpoint('control.destination-user.dropped');
  await control.store.write(async (transaction) => {
    const password = control.sealer.seal('', passwordPlace(user.id));
    await changeUser(transaction, user.id, { state, password });
    await forgetDeleted(control, transaction, user.clusterId);
    const eventTypeName = state === 'left' ? 'LIVE_MIGRATION_USER_LEFT' : 'MONGODB_USER_DELETED';
    await auditUser(control, transaction, user, order, eventTypeName);
  });
}

/**
 * Changes the record of a user. It reads the record in the transaction: since an earlier read, a rotation of the master key may have
 * resealed the password, and the earlier value would need a key that no longer exists.
 */
async function changeUser(
  transaction: StoreTransaction,
  id: string,
  change: Partial<Pick<DestinationUser, 'state' | 'password'>>,
): Promise<void> {
  const current = await transaction.get('destinationUsers', id);
  if (!current) throw new Error(`The user ${migrationUserName(id)} is missing in the store`);
  await transaction.update('destinationUsers', { ...current, ...change });
}

/** Erases the connection string of a deleted cluster, once no user has to be dropped there. */
async function forgetDeleted({ sealer }: Control, transaction: StoreTransaction, clusterId: string): Promise<void> {
  const cluster = await transaction.get('clusters', clusterId);
  if (!cluster || cluster.deletedAtMs === null) return;
  const standing = await standingDestinationUsers(transaction);
  if (standing.some((other) => other.clusterId === clusterId)) return;
  await transaction.update('clusters', {
    ...cluster,
    connectionString: sealer.seal('', connectionStringPlace(clusterId)),
  });
}

function registeredUri({ sealer }: Control, cluster: Cluster): string {
  return sealer.open(cluster.connectionString, connectionStringPlace(cluster.id));
}

async function auditUser(
  { clock }: Control,
  transaction: StoreTransaction,
  { id, clusterId }: DestinationUser,
  { orgId, groupId }: UserOfOrder,
  eventTypeName: string,
): Promise<void> {
  const details = { databaseUser: migrationUserName(id), clusterId };
  await audit(transaction, SYSTEM, clock.now(), { eventTypeName, orgId, groupId, details });
}
