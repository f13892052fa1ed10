import { UserError } from '../../platform/index.ts';
import { authorizeGroup } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { clusterNamed, linkedAgentsOf } from '../records/queries.ts';
import { clusterNotFound } from './cluster-not-found.ts';
import {
  addressOfCluster,
  connectionStringPlace,
  failValidationsInto,
  getCluster,
  type ShownCluster,
} from './clusters.ts';
import { addressOf } from './destination-address.ts';

/**
 * Replaces the connection string of a destination, for example after a change of its password. This is an extension: Atlas's operation
 * changes the cluster.
 * @param connectionString  with credentials; stored sealed, and never shown again
 * @throws UserError CLUSTER_NOT_FOUND, CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT, and as {@link Control.destinations} and
 * {@link authorizeGroup}
 */
export async function updateCluster(
  control: Control,
  actor: Actor,
  groupId: string,
  { name, connectionString }: { readonly name: string; readonly connectionString: string },
): Promise<ShownCluster> {
  const tenant = await authorizeGroup(control.store, actor, groupId, 'GROUP_CLUSTER_MANAGER');
  const { makesUsers } = await control.destinations.check({ orgId: tenant.orgId, groupId }, connectionString);
  const nowMs = control.clock.now();
  const agentIds = await control.store.write(async (transaction) => {
    const { orgId } = await authorizeGroup(transaction, actor, groupId, 'GROUP_CLUSTER_MANAGER');
    const cluster = await clusterNamed(transaction, groupId, name);
    if (!cluster) throw await clusterNotFound(transaction, groupId, name);
    // The migration's checkpoint is on the cluster that it started with, and this may be another cluster.
    const migrations = await transaction.find('migrations', { orgId, isActive: true });
    const running = migrations.find(({ destinationClusterId }) => destinationClusterId === cluster.id);
    if (running) throw new UserError('CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT', [name, running.id]);
    const sealed = control.sealer.seal(connectionString, connectionStringPlace(cluster.id));
    const before = await addressOfCluster(control, transaction, cluster.id);
    const { hosts, fingerprint } = addressOf(connectionString);
    const addressChanged = fingerprint !== before.fingerprint;
    await transaction.update('clusters', { ...cluster, connectionString: sealed, makesUsers });
    const agents = addressChanged ? await linkedAgentsOf(transaction, orgId) : [];
    const why = 'The address of the destination cluster was changed before the migration host answered.';
    await failValidationsInto(transaction, agents, cluster.id, why);
    const details = { clusterName: name, clusterId: cluster.id, addressChanged, hosts };
    await audit(transaction, actor, nowMs, { eventTypeName: 'CLUSTER_UPDATED', orgId, groupId, details });
    return agents.map(({ id }) => id);
  });
  for (const agentId of agentIds) control.signals.wake(agentId);
  control.userAlarm.ring();
  return await getCluster(control, actor, groupId, name);
}
