import { newId, UserError, withoutCredentials } from '../../platform/index.ts';
import { authorizeGroup } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { clusterNamed, clustersOf, linkedAgentsOf, standingDestinationUsers } from '../records/queries.ts';
import type { Agent, Cluster } from '../records/records.ts';
import type { SealedPlace } from '../records/sealer.ts';
import type { StoreReader, StoreTransaction } from '../records/store-port.ts';
import { clusterNotFound } from './cluster-not-found.ts';
import { addressOf, type DestinationAddress } from './destination-address.ts';

/** A registered destination without credentials, for display. */
export interface ShownCluster {
  readonly id: string;
  readonly groupId: string;
  readonly name: string;
  readonly connectionString: string;
  readonly users: Control['destinationUsers'];
  readonly createdAtMs: number;
}

/** Registered clusters of one project. */
const MOST_CLUSTERS = 200;

/**
 * Registers an existing cluster as a destination. This is an extension: Atlas's operation creates a cluster.
 * @param connectionString  with credentials; stored sealed, and never shown again
 * @throws UserError DUPLICATE_CLUSTER_NAME, CLUSTER_LIMIT, and as {@link Control.destinations} and {@link authorizeGroup}
 */
export async function registerCluster(
  control: Control,
  actor: Actor,
  groupId: string,
  { name, connectionString }: { readonly name: string; readonly connectionString: string },
): Promise<ShownCluster> {
  const tenant = await authorizeGroup(control.store, actor, groupId, 'GROUP_CLUSTER_MANAGER');
  const { makesUsers } = await control.destinations.check({ orgId: tenant.orgId, groupId }, connectionString);
  const nowMs = control.clock.now();
  const id = newId(nowMs);
  return control.store.write(async (transaction) => {
    const { orgId } = await authorizeGroup(transaction, actor, groupId, 'GROUP_CLUSTER_MANAGER');
    if (await clusterNamed(transaction, groupId, name)) throw new UserError('DUPLICATE_CLUSTER_NAME', [name, groupId]);
    const { length } = await clustersOf(transaction, groupId);
    if (length >= MOST_CLUSTERS) throw new UserError('CLUSTER_LIMIT', [groupId, String(MOST_CLUSTERS)]);
    const sealed = control.sealer.seal(connectionString, connectionStringPlace(id));
    const cluster: Cluster = {
      id,
      groupId,
      name,
      connectionString: sealed,
      makesUsers,
      createdAtMs: nowMs,
      deletedAtMs: null,
    };
    await transaction.insert('clusters', cluster);
    const details = { clusterName: name, clusterId: id, hosts: addressOf(connectionString).hosts };
    await audit(transaction, actor, nowMs, { eventTypeName: 'CLUSTER_CREATED', orgId, groupId, details });
    return show(control, cluster);
  });
}

/**
 * Deletes a destination's registration and its credentials. Linkspan does not change the cluster itself, except that it drops users of
 * ended migrations there. It keeps the credentials until it has tried that once.
 * @throws UserError CLUSTER_NOT_FOUND, CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT, and as {@link authorizeGroup}
 */
export async function deleteCluster(control: Control, actor: Actor, groupId: string, name: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  const agentIds = await control.store.write(async (transaction) => {
    const { orgId } = await authorizeGroup(transaction, actor, groupId, 'GROUP_OWNER');
    const cluster = await clusterNamed(transaction, groupId, name);
    if (!cluster) throw await clusterNotFound(transaction, groupId, name);
    const migrations = await transaction.find('migrations', { orgId, isActive: true });
    const running = migrations.find(({ destinationClusterId }) => destinationClusterId === cluster.id);
    if (running) throw new UserError('CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT', [name, running.id]);
    const agents = await linkedAgentsOf(transaction, orgId);
    const why = 'The destination cluster was deleted before the migration host answered.';
    await failValidationsInto(transaction, agents, cluster.id, why);
    const nothing = control.sealer.seal('', connectionStringPlace(cluster.id));
    const standing = await standingDestinationUsers(transaction);
    const isNeeded = standing.some(({ clusterId }) => clusterId === cluster.id);
    const connectionString = isNeeded ? cluster.connectionString : nothing;
    await transaction.update('clusters', { ...cluster, connectionString, deletedAtMs });
    const details = { clusterName: name, clusterId: cluster.id };
    await audit(transaction, actor, deletedAtMs, { eventTypeName: 'CLUSTER_DELETED', orgId, groupId, details });
    return agents.map(({ id }) => id);
  });
  for (const agentId of agentIds) control.signals.wake(agentId);
  control.userAlarm.ring();
}

/** @throws UserError as {@link authorizeGroup} */
export async function listClusters(control: Control, actor: Actor, groupId: string): Promise<ShownCluster[]> {
  await authorizeGroup(control.store, actor, groupId, 'GROUP_READ_ONLY');
  return (await clustersOf(control.store, groupId)).map((cluster) => show(control, cluster));
}

/** @throws UserError CLUSTER_NOT_FOUND, and as {@link authorizeGroup} */
export async function getCluster(control: Control, actor: Actor, groupId: string, name: string): Promise<ShownCluster> {
  await authorizeGroup(control.store, actor, groupId, 'GROUP_READ_ONLY');
  const cluster = await clusterNamed(control.store, groupId, name);
  if (!cluster) throw await clusterNotFound(control.store, groupId, name);
  return show(control, cluster);
}

/** Whether agents connect there with a user for each migration, or with the registered user. */
export function usersOf({ destinationUsers }: Control, { makesUsers }: Cluster): Control['destinationUsers'] {
  return makesUsers ? destinationUsers : 'FIXED';
}

/** The address of a registered cluster. */
export async function addressOfCluster(
  { sealer }: Control,
  store: StoreReader,
  clusterId: string,
): Promise<DestinationAddress> {
  const cluster = await store.get('clusters', clusterId);
  if (!cluster) throw new Error(`The cluster ${clusterId} is missing in the store`);
  return addressOf(sealer.open(cluster.connectionString, connectionStringPlace(clusterId)));
}

/** Fails the pending validations into a cluster. */
export async function failValidationsInto(
  transaction: StoreTransaction,
  agents: readonly Agent[],
  clusterId: string,
  errorMessage: string,
): Promise<void> {
  for (const agent of agents) {
    for (const validation of await transaction.find('validations', { agentId: agent.id, status: 'PENDING' })) {
      if (validation.destinationClusterId !== clusterId) continue;
      await transaction.update('validations', { ...validation, status: 'FAILED', errorMessage, password: null });
    }
  }
}

/** The place of a cluster's sealed connection string. */
export function connectionStringPlace(id: string): SealedPlace {
  return { kind: 'clusters', id, field: 'connectionString' };
}

function show(control: Control, cluster: Cluster): ShownCluster {
  const full = control.sealer.open(cluster.connectionString, connectionStringPlace(cluster.id));
  const connectionString = withoutCredentials(full);
  return { ...cluster, connectionString, users: usersOf(control, cluster) };
}
