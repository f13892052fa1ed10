import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { findTwins } from '../catalog/index-spec.ts';
import { catalogName } from '../catalog/namespaces.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { Selection } from '../catalog/selection.ts';
import { whyUnsupported } from '../catalog/unsupported.ts';
import { CheckpointStore } from '../checkpoint/checkpoint-store.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import { compareVersions, OLDEST_VERSION, type SourceFeatures, sourceFeatures } from '../cluster/server-features.ts';
import { canWriteThroughBlock } from '../cutover/write-block.ts';
import type { MigrationOptions } from '../lifecycle/options.ts';
import type { Finding } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import { DESTINATION_NEEDS, missingPrivileges, privilegesOf, sourceNeeds } from './privileges.ts';

/** Both clusters, looked at, and every reason not to start between them. */
export interface PreflightResult {
  readonly source: ClusterDescription;
  readonly destination: ClusterDescription;
  readonly sourceFeatures: SourceFeatures;
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
  const features = sourceFeatures(levelOf(from));
  const errors = [...checkTopology(from, 'source'), ...checkTopology(to, 'destination')];
  if (errors.length === 0) {
    if (from.clusterId === to.clusterId) errors.push(new UserError('SAME_CLUSTER'));
    if (isOlder(to, from)) errors.push(new UserError('DESTINATION_OLDER', [shownVersion(to), shownVersion(from)]));
    errors.push(
      ...(await checkPrivileges(source, 'source', sourceNeeds(features))),
      ...(await checkPrivileges(destination, 'destination', DESTINATION_NEEDS)),
    );
  }
  const checked = { source: from, destination: to, sourceFeatures: features, errors };
  if (errors.length > 0) return { ...checked, warnings: [] };
  errors.push(
    ...(await checkNamespaces(source, features, new Selection(options.filters))),
    ...(await checkDestination(destination, options)),
  );
  return { ...checked, warnings: await warningsOf(from, features, destination, options) };
}

function checkTopology(cluster: ClusterDescription, side: Side): UserError[] {
  if (cluster.sharded) return [new UserError('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet) return [new UserError('STANDALONE_SERVER', [side, cluster.primary])];
  if (compareVersions(levelOf(cluster), OLDEST_VERSION[side]) < 0) {
    return [new UserError('VERSION_TOO_OLD', [side, shownVersion(cluster), OLDEST_VERSION[side]])];
  }
  return [];
}

/** What counts of a server's version: its feature compatibility version, which is never newer. */
function levelOf(cluster: ClusterDescription): string {
  return cluster.featureCompatibilityVersion || cluster.mongoDBVersion;
}

function isOlder(to: ClusterDescription, from: ClusterDescription): boolean {
  return compareVersions(to.mongoDBVersion, from.mongoDBVersion) < 0 || compareVersions(levelOf(to), levelOf(from)) < 0;
}

function shownVersion(cluster: ClusterDescription): string {
  const { mongoDBVersion: version } = cluster;
  if (compareVersions(levelOf(cluster), version) === 0) return version;
  return `${version} with the feature compatibility version ${levelOf(cluster)}`;
}

async function checkPrivileges(
  client: MongoClient,
  side: Side,
  needs: Parameters<typeof missingPrivileges>[1],
): Promise<UserError[]> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return [];
  return missingPrivileges(privileges, needs).map(
    (missing) => new UserError('MISSING_PRIVILEGE', [side, `do ${missing}`]),
  );
}

async function checkNamespaces(
  source: MongoClient,
  features: SourceFeatures,
  selection: Selection,
): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const database of await listUserDatabases(source)) {
    for (const entry of await listCollections(source, database)) {
      if (!selection.has(database, entry.name)) continue;
      const reason = whyUnsupported(entry, features) ?? (await whyUnsupportedIndexes(source, entry));
      if (reason !== undefined)
        errors.push(new UserError('UNSUPPORTED_NAMESPACE', [`${database}.${catalogName(entry.name)}`, reason]));
    }
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

async function warningsOf(
  from: ClusterDescription,
  { blocksWrites }: SourceFeatures,
  destination: MongoClient,
  options: MigrationOptions,
): Promise<Finding[]> {
  const warnings: UserError[] = [];
  if (!blocksWrites) warnings.push(new UserError('SOURCE_NOT_BLOCKED', [shownVersion(from)]));
  if (!options.once && !(await canWriteThroughBlock(destination)))
    warnings.push(new UserError('DESTINATION_UNPROTECTED'));
  return warnings.map((warning) => ({ ...findingOf(warning), severity: 'warning' }));
}

function findingOf(error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  return { severity: 'error', code: error.code, message: error.message, remedy: error.remedy };
}
