import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { DocumentFilters } from '../catalog/document-filters.ts';
import { findTwins } from '../catalog/index-spec.ts';
import { NamespaceMap } from '../catalog/namespace-map.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { Selection } from '../catalog/selection.ts';
import { whyUnsupported } from '../catalog/unsupported.ts';
import { CheckpointStore } from '../checkpoint/checkpoint-store.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import { canWriteThroughBlock } from '../cutover/write-block.ts';
import type { MigrationOptions } from '../lifecycle/options.ts';
import { checkFiltered, checkQueries } from './check-document-filters.ts';
import { checkKept } from './check-kept.ts';
import { checkNames, checkRemapped } from './check-remap.ts';
import type { Finding } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { missingPrivileges, privilegesOf } from './privileges.ts';

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
    errors.push(...(await checkPrivileges(source, 'source')), ...(await checkPrivileges(destination, 'destination')));
  }
  if (errors.length > 0) return { source: from, destination: to, errors, warnings: [] };
  const entries = await selectedEntries(source, new Selection(options.filters));
  const map = new NamespaceMap(options.namespaceRemap);
  const documentFilters = new DocumentFilters(options.documentFilters);
  errors.push(
    ...(await checkNamespaces(source, entries)),
    ...checkNames(map, entries),
    ...(await checkQueries(source, documentFilters)),
  );
  const checkpoint = await new CheckpointStore(destination, options.migrationId).peek();
  // What an unfinished migration has begun is its own, not somebody's data.
  if (checkpoint?.token === undefined) {
    errors.push(
      ...checkRemapped(map, entries),
      ...checkFiltered(documentFilters, entries),
      ...(await checkDestination(destination, options, entries, map)),
    );
  }
  return { source: from, destination: to, errors, warnings: await warningsOf(destination, options) };
}

function checkTopology(cluster: ClusterDescription, side: Side): UserError[] {
  if (cluster.sharded) return [new UserError('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet) return [new UserError('STANDALONE_SERVER', [side, cluster.primary])];
  if (compareVersions(cluster.mongoDBVersion, OLDEST_VERSION) < 0) {
    return [new UserError('VERSION_TOO_OLD', [side, cluster.mongoDBVersion, OLDEST_VERSION])];
  }
  return [];
}

async function checkPrivileges(client: MongoClient, side: Side): Promise<UserError[]> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return [];
  return missingPrivileges(privileges, side).map(
    (missing) => new UserError('MISSING_PRIVILEGE', [side, `do ${missing}`]),
  );
}

async function selectedEntries(source: MongoClient, selection: Selection): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const database of await listUserDatabases(source)) entries.push(...(await listCollections(source, database)));
  return entries.filter(({ database, name }) => selection.has(database, name));
}

async function checkNamespaces(source: MongoClient, entries: readonly CatalogEntry[]): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const entry of entries) {
    const reason = whyUnsupported(entry) ?? (await whyUnsupportedIndexes(source, entry));
    if (reason !== undefined)
      errors.push(new UserError('UNSUPPORTED_NAMESPACE', [`${entry.database}.${entry.name}`, reason]));
  }
  return errors;
}

async function whyUnsupportedIndexes(
  source: MongoClient,
  { database, name, type }: CatalogEntry,
): Promise<string | undefined> {
  if (type === 'view') return undefined;
  const twins = findTwins(await listIndexes(source, database, name));
  return twins && `indexed twice alike, by ${twins[0]} and ${twins[1]}, of which one is unique or expires`;
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

async function warningsOf(destination: MongoClient, options: MigrationOptions): Promise<Finding[]> {
  if (options.once) return [];
  const warning = (code: 'DESTINATION_KEPT' | 'DESTINATION_UNPROTECTED'): Finding[] => [
    { ...findingOf(new UserError(code)), severity: 'warning' },
  ];
  if (options.keepDestination) return warning('DESTINATION_KEPT');
  return (await canWriteThroughBlock(destination)) ? [] : warning('DESTINATION_UNPROTECTED');
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
