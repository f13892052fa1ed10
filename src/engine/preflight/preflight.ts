import type { MongoClient } from 'mongodb';
import { systemClock, UserError } from '../../platform/index.ts';
import { UsersAndRoles } from '../accounts/users-and-roles.ts';
import { DocumentFilters } from '../catalog/document-filters.ts';
import { NamespaceMap } from '../catalog/namespace-map.ts';
import { type CatalogEntry, listUserDatabases } from '../catalog/read-catalog.ts';
import { Selection } from '../catalog/selection.ts';
import { CheckpointStore } from '../checkpoint/checkpoint-store.ts';
import { MadeAccounts } from '../checkpoint/made-accounts.ts';
import { connectCluster, type Side } from '../cluster/connect.ts';
import { Fence } from '../cluster/fence.ts';
import { type SourceFeatures, sourceFeatures } from '../cluster/server-features.ts';
import { canWriteThroughBlock } from '../cutover/write-block.ts';
import type { MigrationOptions } from '../lifecycle/options.ts';
import { checkFiltered, checkQueries } from './check-document-filters.ts';
import { checkKept } from './check-kept.ts';
import { checkNamespaces, selectedEntries } from './check-namespaces.ts';
import { checkNames, checkRemapped } from './check-remap.ts';
import { checkPair, checkTopology, levelOf, shownVersion } from './check-versions.ts';
import type { Finding } from './finding.ts';
import { type ClusterDescription, describeCluster } from './inspect-cluster.ts';
import {
  DESTINATION_NEEDS,
  missingAccountPrivileges,
  missingPrivileges,
  privilegesOf,
  sourceNeeds,
} from './privileges.ts';

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
    const moved = options.usersAndRoles ?? false;
    errors.push(
      ...checkPair(from, to),
      ...(await checkPrivileges(source, 'source', sourceNeeds(features), moved)),
      ...(await checkPrivileges(destination, 'destination', DESTINATION_NEEDS, moved)),
    );
    if (moved && !isWhole(options)) errors.push(new UserError('ACCOUNTS_NEED_WHOLE'));
  }
  const checked = { source: from, destination: to, sourceFeatures: features, errors };
  if (errors.length > 0) return { ...checked, warnings: [] };

  const entries = await selectedEntries(source, new Selection(options.filters));
  const map = new NamespaceMap(options.namespaceRemap);
  const documentFilters = new DocumentFilters(options.documentFilters);
  const namespaces = await checkNamespaces(source, features, entries);
  errors.push(...namespaces.errors, ...checkNames(map, entries), ...(await checkQueries(source, documentFilters)));
  const checkpoint = await new CheckpointStore(unraisedFence(destination, options)).peek();
  // What an unfinished migration has begun is its own, not somebody's data.
  if (checkpoint?.token === undefined) {
    errors.push(
      ...checkRemapped(map, entries),
      ...checkFiltered(documentFilters, entries),
      ...(await checkDestination(destination, options, entries, map)),
    );
  }
  const warnings = [
    ...namespaces.warnings,
    ...(options.usersAndRoles ? await accountsKept(source, destination, from.clusterId, options) : []),
    ...(features.blocksWrites ? [] : [new UserError('SOURCE_NOT_BLOCKED', [shownVersion(from)])]),
    ...(await unprotected(destination, options)),
  ];
  return { ...checked, warnings: warnings.map((warning) => ({ ...findingOf(warning), severity: 'warning' })) };
}

async function checkPrivileges(
  client: MongoClient,
  side: Side,
  needs: Parameters<typeof missingPrivileges>[1],
  usersAndRoles: boolean,
): Promise<UserError[]> {
  const privileges = await privilegesOf(client);
  if (privileges === undefined) return [];
  const missing = [
    ...missingPrivileges(privileges, needs),
    ...(usersAndRoles ? missingAccountPrivileges(privileges, side) : []),
  ];
  return missing.map((one) => new UserError('MISSING_PRIVILEGE', [side, `do ${one}`]));
}

/** Whether all of the source keeps its names: roles name databases and collections. */
function isWhole({ filters, documentFilters = [], namespaceRemap = [] }: MigrationOptions): boolean {
  return new Selection(filters).isWhole && documentFilters.length + namespaceRemap.length === 0;
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
  const fence = unraisedFence(destination, options);
  const accounts = new UsersAndRoles(source, fence, new MadeAccounts(fence, sourceId));
  await accounts.compare();
  return accounts.kept === undefined ? [] : [accounts.kept];
}

/** Why others may write to the destination meanwhile; empty when they can't. */
async function unprotected(destination: MongoClient, options: MigrationOptions): Promise<UserError[]> {
  if (options.once) return [];
  if (options.keepDestination) return [new UserError('DESTINATION_KEPT')];
  return (await canWriteThroughBlock(destination)) ? [] : [new UserError('DESTINATION_UNPROTECTED')];
}

/** One to look through: nothing is written before the migration is taken. */
function unraisedFence(destination: MongoClient, options: MigrationOptions): Fence {
  return new Fence(destination, options.migrationId, options.clock ?? systemClock);
}

function findingOf(error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  return { severity: 'error', code: error.code, message: error.message, remedy: error.remedy };
}
