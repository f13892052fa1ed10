import { newId, UserError } from '../platform/index.ts';
import { type Actor, authorizeGroup } from './actor.ts';
import type { Control } from './control.ts';
import type { Cluster } from './records.ts';

/** A registered destination as it may be shown: without credentials. */
export interface ShownCluster {
  readonly id: string;
  readonly groupId: string;
  readonly name: string;
  readonly connectionString: string;
  readonly createdAtMs: number;
}

/**
 * Registers an existing cluster as a destination. An extension: Atlas's operation makes a cluster.
 * @param connectionString  with credentials; stored sealed, never shown again
 * @throws UserError DUPLICATE_CLUSTER_NAME, INVALID_DESTINATION_CONNECTION_STRING, and as {@link authorizeGroup}
 */
export async function registerCluster(
  control: Control,
  actor: Actor,
  groupId: string,
  { name, connectionString }: { readonly name: string; readonly connectionString: string },
): Promise<ShownCluster> {
  const nowMs = control.clock.now();
  const id = newId(nowMs);
  const sealed = control.sealer.seal(connectionString, connectionStringPlace(id));
  const cluster: Cluster = { id, groupId, name, connectionString: sealed, createdAtMs: nowMs };
  return control.store.write(async (transaction) => {
    await authorizeGroup(transaction, actor, groupId, 'ORG_OWNER');
    control.checkConnectionString(connectionString);
    if (await transaction.clusterNamed(groupId, name)) throw new UserError('DUPLICATE_CLUSTER_NAME', [name, groupId]);
    await transaction.insertCluster(cluster);
    return show(control, cluster);
  });
}

/** @throws UserError as {@link authorizeGroup} */
export async function listClusters(control: Control, actor: Actor, groupId: string): Promise<ShownCluster[]> {
  await authorizeGroup(control.store, actor, groupId, 'ORG_MEMBER');
  return (await control.store.clustersOf(groupId)).map((cluster) => show(control, cluster));
}

/** @throws UserError CLUSTER_NOT_FOUND, and as {@link authorizeGroup} */
export async function getCluster(control: Control, actor: Actor, groupId: string, name: string): Promise<ShownCluster> {
  await authorizeGroup(control.store, actor, groupId, 'ORG_MEMBER');
  const cluster = await control.store.clusterNamed(groupId, name);
  if (!cluster) throw new UserError('CLUSTER_NOT_FOUND', [name, groupId]);
  return show(control, cluster);
}

/** Where a cluster's connection string is sealed. */
export function connectionStringPlace(id: string): { table: string; id: string; field: string } {
  return { table: 'clusters', id, field: 'connection_string' };
}

function show({ sealer }: Control, cluster: Cluster): ShownCluster {
  const full = sealer.open(cluster.connectionString, connectionStringPlace(cluster.id));
  return { ...cluster, connectionString: full.replace(/^(mongodb(?:\+srv)?:\/\/)[^/?]*@/, '$1') };
}
