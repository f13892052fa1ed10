import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { UsersAndRoles } from '../accounts/users-and-roles.ts';
import { DocumentFilters } from '../catalog/document-filters.ts';
import { findTwins, type IndexSpec } from '../catalog/index-spec.ts';
import { modernisedWarnings, whyNotToday } from '../catalog/legacy-index.ts';
import { NamespaceMap } from '../catalog/namespace-map.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { Selection } from '../catalog/selection.ts';
import { whyUnsupported } from '../catalog/unsupported.ts';
import { CheckpointStore } from '../checkpoint/checkpoint-store.ts';
import { MadeAccounts } from '../checkpoint/made-accounts.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import { canWriteThroughBlock } from '../cutover/write-block.ts';
import type { MigrationOptions } from '../lifecycle/options.ts';
import { checkFiltered, checkQueries } from './check-document-filters.ts';
import { checkKept } from './check-kept.ts';
import { checkNames, checkRemapped } from './check-remap.ts';
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
 * Everything that can be known before the first byte: clusters, versions, privileges, names that can't be migrated, what the
 * destination has. Changes nothing.
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
    if (moved && !isWhole(options)) errors.push(new UserError('ACCOUNTS_NEED_WHOLE'));
  }
  if (errors.length > 0) return { source: from, destination: to, errors, warnings: [] };
  const entries = await selectedEntries(source, new Selection(options.filters));
  const map = new NamespaceMap(options.namespaceRemap);
  const documentFilters = new DocumentFilters(options.documentFilters);
  const namespaces = await checkNamespaces(source, entries);
  errors.push(...namespaces.errors, ...checkNames(map, entries), ...(await checkQueries(source, documentFilters)));
  const checkpoint = await new CheckpointStore(destination, options.migrationId).peek();
  // What an unfinished migration has begun is its own, not somebody's data.
  if (checkpoint?.token === undefined) {
    errors.push(
      ...checkRemapped(map, entries),
      ...checkFiltered(documentFilters, entries),
      ...(await checkDestination(destination, options, entries, map)),
    );
  }
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

/** Whether all of the source keeps its names: roles name databases and collections. */
function isWhole({ filters, documentFilters = [], namespaceRemap = [] }: MigrationOptions): boolean {
  return new Selection(filters).isWhole && documentFilters.length + namespaceRemap.length === 0;
}

async function selectedEntries(source: MongoClient, selection: Selection): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const database of await listUserDatabases(source)) entries.push(...(await listCollections(source, database)));
  return entries.filter(({ database, name }) => selection.has(database, name));
}

interface NamespaceFindings {
  readonly errors: UserError[];
  readonly warnings: UserError[];
}

async function checkNamespaces(source: MongoClient, entries: readonly CatalogEntry[]): Promise<NamespaceFindings> {
  const errors: UserError[] = [];
  const warnings: UserError[] = [];
  for (const entry of entries) {
    const namespace = `${entry.database}.${entry.name}`;
    const indexes = await indexesOf(source, entry);
    const reason = whyUnsupported(entry) ?? whyUnsupportedIndexes(indexes);
    if (reason !== undefined) errors.push(new UserError('UNSUPPORTED_NAMESPACE', [namespace, reason]));
    warnings.push(...modernisedWarnings(namespace, indexes));
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

async function checkDestination(
  destination: MongoClient,
  options: MigrationOptions,
  entries: readonly CatalogEntry[],
  map: NamespaceMap,
): Promise<UserError[]> {
  if (options.keepDestination) return await checkKept(destination, entries, map);
  if (options.dropDestination) return [];
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
  if (options.once) return [];
  if (options.keepDestination) return [warningOf(new UserError('DESTINATION_KEPT'))];
  return (await canWriteThroughBlock(destination)) ? [] : [warningOf(new UserError('DESTINATION_UNPROTECTED'))];
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
