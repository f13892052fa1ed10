import type { MongoClient } from 'mongodb';
import {
  compareVersions,
  NEWEST_MODELLED,
  OLDEST_SHARDED,
  OLDEST_VERSION,
  sourceFeatures,
} from '../../mongodb/server-features.ts';
import type { Side } from '../../mongodb/side.ts';
import type { ClusterOfVersion } from '../../records/tried-raw-data.ts';
import type { MigrationOptions } from '../../scope/options.ts';
import { type Found, found } from '../finding.ts';
import type { ClusterDescription } from '../inspect-cluster.ts';
import { describeMissing, grantCommand, missingPrivileges } from '../missing-privileges.ts';

/** Whether this kind of cluster can be migrated, and whether its user has the privileges. */
export function checkCluster(
  cluster: ClusterDescription,
  side: Side,
  options: Pick<MigrationOptions, 'usersAndRoles' | 'once' | 'acceptUntriedVersion'>,
): Found[] {
  if (cluster.sharded && side === 'destination') return [found('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet && !cluster.sharded) return [found('STANDALONE_SERVER', [side, cluster.primary])];
  const oldest = cluster.sharded ? OLDEST_SHARDED : OLDEST_VERSION[side];
  const tooOld = compareVersions(levelOf(cluster), oldest) < 0;
  return [
    ...(tooOld ? [found('VERSION_TOO_OLD', [side, shownVersion(cluster), oldest])] : []),
    ...(isTooNew(cluster, options) ? [found('VERSION_TOO_NEW', [side, cluster.mongoDBVersion, NEWEST_MODELLED])] : []),
    ...checkPrivileges(cluster, side, options),
  ];
}

/** Whether a server is newer than those whose replies Linkspan knows, and no one has accepted that. */
export function isTooNew(
  { mongoDBVersion }: Pick<ClusterDescription, 'mongoDBVersion'>,
  { acceptUntriedVersion = false }: Pick<MigrationOptions, 'acceptUntriedVersion'>,
): boolean {
  // rule: refuse-newer-servers
  return !acceptUntriedVersion && compareVersions(mongoDBVersion, NEWEST_MODELLED) > 0;
}

/** Whether the connection's user has all privileges for a migration; one finding for all missing ones. */
function checkPrivileges(
  cluster: ClusterDescription,
  side: Side,
  { usersAndRoles = false, once = false }: Pick<MigrationOptions, 'usersAndRoles' | 'once'>,
): Found[] {
  const { privileges, sharded } = cluster;
  if (privileges === undefined) return [];
  const { blocksWrites: blocks } = sourceFeatures(levelOf(cluster));
  const missing = missingPrivileges(privileges, side, { blocks, usersAndRoles, sharded, once });
  if (missing.length === 0) return [];
  const { login } = privileges;
  const command = grantCommand(login, side, missing);
  return [found('MISSING_PRIVILEGE', [`${login.db}.${login.user}`, side, describeMissing(missing), side, command])];
}

/** Whether the destination can take the source's data. */
export function checkPair(source: ClusterDescription, destination: ClusterDescription): Found[] {
  if (!(source.replicaSet || source.sharded) || !destination.replicaSet) return [];
  const pair: Found[] = [];
  // A user who may not see the id lacks a privilege, and another finding reports that.
  if (source.clusterId !== '' && source.clusterId === destination.clusterId) pair.push(found('SAME_CLUSTER'));
  if (isOlder(destination, source)) {
    pair.push(found('DESTINATION_OLDER', [shownVersion(destination), shownVersion(source)]));
  }
  return pair;
}

/** Returns the version that counts: the feature compatibility version, which is never newer than the server's. */
export function levelOf(cluster: ClusterDescription): string {
  return cluster.featureCompatibilityVersion || cluster.mongoDBVersion;
}

/** Returns a cluster with the facts that decide how its time series are read. */
export function ofVersion(client: MongoClient, cluster: ClusterDescription): ClusterOfVersion {
  return { client, version: cluster.mongoDBVersion, level: levelOf(cluster) };
}

/** Returns a server's version for messages, with its feature compatibility version when that is older. */
export function shownVersion(cluster: ClusterDescription): string {
  const { mongoDBVersion: version } = cluster;
  if (compareVersions(levelOf(cluster), version) === 0) return version;
  return `${version} with the feature compatibility version ${levelOf(cluster)}`;
}

/** Whether a cluster is too old to take the data of the other: by its servers' version, or by the level of both. */
export function isOlder(a: ClusterDescription, b: ClusterDescription): boolean {
  return compareVersions(a.mongoDBVersion, b.mongoDBVersion) < 0 || compareVersions(levelOf(a), levelOf(b)) < 0;
}
