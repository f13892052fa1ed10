import type { Labels } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import { authorizeGroup } from '../accounts/actor.ts';
import { clusterNotFound, namesOf } from '../clusters/cluster-not-found.ts';
import { contactOf } from '../links/agent-contact.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { clusterNamed, linkedAgentsOf } from '../records/queries.ts';
import type { Agent, AuditRecord, Order } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

/** A client's request for a validation or a migration. */
export interface OrderRequest {
  readonly migrationHost: string;
  readonly source: {
    readonly groupId: string;
    readonly clusterName: string;
    readonly username: string | null;
    readonly password: string | null;
    readonly ssl: boolean;
    readonly caCertificatePath: string | null;
  };
  readonly destination: { readonly groupId: string; readonly clusterName: string };
  readonly dropDestination: boolean;
  /** Whether to keep a failback after the cutover; false by default. */
  readonly reversible?: boolean;
  /** Whether the cutover migrates users and custom roles, too; false by default. */
  readonly usersAndRoles?: boolean;
  /** Host name of a digest helper beside the destination; none by default. */
  readonly digestsBy?: string | null;
  /** Labels and a note for the migration; none by default. A validation has none. */
  readonly labels?: Labels;
  readonly note?: string | null;
}

/**
 * Checks that everything in the request exists and belongs to the actor's organization, and that the agent is connected.
 * @param seal  seals the source's password for the record that will contain the order
 * @throws UserError GROUP_MISMATCH, CLUSTER_NOT_FOUND, MIGRATION_HOST_NOT_FOUND, MIGRATION_HOST_LOST, SOURCE_PROJECT_NOT_FOUND, SOURCE_CLUSTER_NOT_FOUND, and
 *   as {@link authorizeGroup}
 */
export async function resolveOrder(
  store: StoreReader,
  nowMs: number,
  actor: Actor,
  groupId: string,
  request: OrderRequest,
  seal: (password: string) => Order['password'],
): Promise<Order> {
  const { migrationHost, source, destination, dropDestination } = request;
  const { reversible = false, usersAndRoles = false, digestsBy = null } = request;
  const { orgId } = await authorizeGroup(store, actor, groupId, 'ORG_OWNER');
  if (destination.groupId !== groupId) throw new UserError('GROUP_MISMATCH', [groupId, destination.groupId]);
  const cluster = await clusterNamed(store, groupId, destination.clusterName);
  if (!cluster) throw await clusterNotFound(store, groupId, destination.clusterName);
  const agents = await linkedAgentsOf(store, orgId);
  const agent = agents.find((candidate) => candidate.host === migrationHost);
  if (!agent) {
    const hosts = agents.map(({ host }) => host);
    throw new UserError('MIGRATION_HOST_NOT_FOUND', [migrationHost, namesOf(hosts)]);
  }
  assertConnected(agent, nowMs);
  const project = agent.inventory.find((candidate) => candidate.projectId === source.groupId);
  if (!project) {
    const projects = agent.inventory.map(({ projectId }) => projectId);
    throw new UserError('SOURCE_PROJECT_NOT_FOUND', [migrationHost, source.groupId, namesOf(projects)]);
  }
  const deployments = project.deployments.map(({ name }) => name);
  if (!deployments.includes(source.clusterName)) {
    const asked = [migrationHost, source.clusterName, source.groupId];
    throw new UserError('SOURCE_CLUSTER_NOT_FOUND', [...asked, namesOf(deployments)]);
  }
  return {
    orgId,
    groupId,
    agentId: agent.id,
    host: migrationHost,
    sourceGroupId: source.groupId,
    sourceClusterName: source.clusterName,
    destinationClusterId: cluster.id,
    username: source.username,
    password: source.password === null ? null : seal(source.password),
    ssl: source.ssl,
    caCertificatePath: source.caCertificatePath,
    dropDestination,
    reversible,
    usersAndRoles,
    digestsBy,
  };
}

/** @throws UserError MIGRATION_HOST_LOST */
function assertConnected(agent: Agent, nowMs: number): void {
  const { status, lastReportAtMs } = contactOf(agent, nowMs);
  if (status === 'CONNECTED') return;
  throw new UserError('MIGRATION_HOST_LOST', [agent.host, new Date(lastReportAtMs ?? agent.createdAtMs).toISOString()]);
}

/** The details of an order for the audit. @param databaseUser  the user created for it; undefined for the registered user */
export function orderDetails(
  { host, sourceGroupId, sourceClusterName, dropDestination, reversible, usersAndRoles, digestsBy }: Order,
  clusterName: string,
  databaseUser: string | undefined,
): AuditRecord['details'] {
  return {
    migrationHost: host,
    sourceGroupId,
    sourceClusterName,
    clusterName,
    dropDestinationData: dropDestination,
    ...(reversible && { reversible }),
    ...(usersAndRoles && { usersAndRoles }),
    ...(digestsBy !== null && { digestsBy }),
    databaseUser: databaseUser ?? 'as registered',
  };
}

/** The details of a migration's labels for the audit; none without labels. */
export function labelDetails({ labels }: { readonly labels: Labels }): AuditRecord['details'] {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return texts.length === 0 ? {} : { labels: texts };
}

/** Returns a function that seals the source's password for one record. */
export function passwordSealer(
  { sealer }: Control,
  kind: 'migrations' | 'validations',
  id: string,
): (password: string) => Order['password'] {
  return (password) => sealer.seal(password, { kind, id, field: 'password' });
}
