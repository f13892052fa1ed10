import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { UsersAndRoles } from '../accounts/users-and-roles.ts';
import { findTwins, type IndexSpec } from '../catalog/index-spec.ts';
import { modernisedWarnings, whyNotToday } from '../catalog/legacy-index.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { Selection } from '../catalog/selection.ts';
import { whyUnsupported } from '../catalog/unsupported.ts';
import { CheckpointStore } from '../checkpoint/checkpoint-store.ts';
import { MadeAccounts } from '../checkpoint/made-accounts.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import { canWriteThroughBlock } from '../cutover/write-block.ts';
import type { MigrationOptions } from '../lifecycle/options.ts';
import type { Finding } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { missingAccountPrivileges, missingPrivileges, privilegesOf } from './privileges.ts';

const OLDEST_VERSION = '6.0';

/** Both clusters, looked at, and every reason not to start between them. */
export interface PreflightResult {
  readonly source: ClusterDescription;
  readonly destination: ClusterDescription;
  readonly errors: readonly UserError[];
  readonly warnings: readonly Finding[];
}

/**
 * Everything that can be known before the first byte: clusters, versions, privileges, names that can't be migrated, an empty
 * destination. Changes nothing.
 * @returns all findings; a cluster that can't be reached is one
 */
export async function preflight(options: MigrationOptions): Promise<Finding[]> {
  const opened: MongoClient[] = [];
  try {
    const [source, destination] = await Promise.allSettled([
      connectCluster(options.source, 'source'),
      connectCluster(options.destination, 'destination'),
    ]);
    for (const one of [source, destination]) if (one.status === 'fulfilled') opened.push(one.value);
    if (source.status === 'rejected' || destination.status === 'rejected') {
      return [source, destination].filter((one) => one.status === 'rejected').map(({ reason }) => findingOf(reason));
    }
    const { errors, warnings } = await checkClusters(source.value, destination.value, options);
    return [...errors.map(findingOf), ...warnings];
  } catch (error) {
    return [findingOf(error)];
  } finally {
    await Promise.all(opened.map((client) => client.close()));
  }
}

/** The same over open connections. */
export async function checkClusters(
  source: MongoClient,
  destination: MongoClient,
  options: MigrationOptions,
): Promise<PreflightResult> {
  const [from, to] = await Promise.all([
    describeCluster(source, 'source'),
    describeCluster(destination, 'destination'),
  ]);
  const errors = [...checkTopology(from, 'source'), ...checkTopology(to, 'destination')];
  if (errors.length === 0) {
    if (from.clusterId === to.clusterId) errors.push(new UserError('SAME_CLUSTER'));
    if (compareVersions(to.mongoDBVersion, from.mongoDBVersion) < 0) {
      errors.push(new UserError('DESTINATION_OLDER', [to.mongoDBVersion, from.mongoDBVersion]));
    }
    const moved = options.usersAndRoles ?? false;
    errors.push(
      ...(await checkPrivileges(source, 'source', moved)),
      ...(await checkPrivileges(destination, 'destination', moved)),
    );
    if (moved && !new Selection(options.filters).isWhole) errors.push(new UserError('ACCOUNTS_NEED_WHOLE'));
  }
  if (errors.length > 0) return { source: from, destination: to, errors, warnings: [] };
  const namespaces = await checkNamespaces(source, new Selection(options.filters));
  errors.push(...namespaces.errors, ...(await checkDestination(destination, options)));
  const kept = options.usersAndRoles ? await accountsKept(source, destination, from.clusterId, options) : [];
  const warnings = [...[...namespaces.warnings, ...kept].map(warningOf), ...(await warningsOf(destination, options))];
  return { source: from, destination: to, errors, warnings };
}

function checkTopology(cluster: ClusterDescription, side: Side): UserError[] {
  if (cluster.sharded) return [new UserError('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet) return [new UserError('STANDALONE_SERVER', [side, cluster.primary])];
  if (compareVersions(cluster.mongoDBVersion, OLDEST_VERSION) < 0) {
    return [new UserError('VERSION_TOO_OLD', [side, cluster.mongoDBVersion, OLDEST_VERSION])];
  }
  return [];
}

async function checkPrivileges(client: MongoClient, side: Side, usersAndRoles: boolean): Promise<UserError[]> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return [];
  const missing = [
    ...missingPrivileges(privileges, side),
    ...(usersAndRoles ? missingAccountPrivileges(privileges, side) : []),
  ];
  return missing.map((one) => new UserError('MISSING_PRIVILEGE', [side, `do ${one}`]));
}

interface NamespaceFindings {
  readonly errors: UserError[];
  readonly warnings: UserError[];
}

async function checkNamespaces(source: MongoClient, selection: Selection): Promise<NamespaceFindings> {
  const errors: UserError[] = [];
  const warnings: UserError[] = [];
  for (const database of await listUserDatabases(source)) {
    for (const entry of await listCollections(source, database)) {
      if (!selection.has(database, entry.name)) continue;
      const namespace = `${database}.${entry.name}`;
      const indexes = await indexesOf(source, entry);
      const reason = whyUnsupported(entry) ?? whyUnsupportedIndexes(indexes);
      if (reason !== undefined) errors.push(new UserError('UNSUPPORTED_NAMESPACE', [namespace, reason]));
      warnings.push(...modernisedWarnings(namespace, indexes));
    }
  }
  return { errors, warnings };
}

async function indexesOf(source: MongoClient, { database, name, type }: CatalogEntry): Promise<IndexSpec[]> {
  return type === 'view' ? [] : await listIndexes(source, database, name);
}

function whyUnsupportedIndexes(indexes: readonly IndexSpec[]): string | undefined {
  for (const { name, fields } of indexes) {
    const reason = whyNotToday(fields);
    if (reason !== undefined) return `indexed by ${name}, ${reason}`;
  }
  const twins = findTwins(indexes);
  return (
    twins && `indexed twice alike, by ${twins[0]} and ${twins[1]}, of which one is unique, expires or is of old form`
  );
}

/** What an unfinished migration of the same id has copied is its own, not somebody's data. */
async function checkDestination(destination: MongoClient, options: MigrationOptions): Promise<UserError[]> {
  if (options.dropDestination) return [];
  const checkpoint = await new CheckpointStore(destination, options.migrationId).peek();
  if (checkpoint?.token !== undefined) return [];
  const databases = await listUserDatabases(destination);
  if (databases.length === 0) return [];
  const shown = databases.slice(0, 5).join(', ') + (databases.length > 5 ? ', …' : '');
  return [new UserError('DESTINATION_NOT_EMPTY', [`the database${databases.length === 1 ? '' : 's'} ${shown}`])];
}

async function accountsKept(
  source: MongoClient,
  destination: MongoClient,
  sourceId: string,
  options: MigrationOptions,
): Promise<UserError[]> {
  const accounts = new UsersAndRoles(source, destination, new MadeAccounts(destination, sourceId, options.migrationId));
  await accounts.compare();
  return accounts.kept === undefined ? [] : [accounts.kept];
}

async function warningsOf(destination: MongoClient, options: MigrationOptions): Promise<Finding[]> {
  if (options.once || (await canWriteThroughBlock(destination))) return [];
  return [warningOf(new UserError('DESTINATION_UNPROTECTED'))];
}

function warningOf(error: UserError): Finding {
  return { ...findingOf(error), severity: 'warning' };
}

/** By major and minor number: servers of one minor version understand each other's data. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 2; part += 1) {
    const difference = (left?.[part] || 0) - (right?.[part] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function findingOf(error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  return { severity: 'error', code: error.code, message: error.message, remedy: error.remedy };
}
