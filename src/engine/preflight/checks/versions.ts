import { compareVersions, OLDEST_VERSION, sourceFeatures } from '../../mongodb/server-features.ts';
import type { Side } from '../../mongodb/side.ts';
import type { MigrationOptions } from '../../scope/options.ts';
import { type Found, found } from '../finding.ts';
import type { ClusterDescription } from '../inspect-cluster.ts';
import { describeMissing, grantCommand, missingPrivileges } from '../missing-privileges.ts';

/** Whether a cluster is of a kind that can be migrated at all, and its user may do it. */
export function checkCluster(
  cluster: ClusterDescription,
  side: Side,
  options: Pick<MigrationOptions, 'usersAndRoles'>,
): Found[] {
  if (cluster.sharded) return [found('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet) return [found('STANDALONE_SERVER', [side, cluster.primary])];
  const tooOld = compareVersions(levelOf(cluster), OLDEST_VERSION[side]) < 0;
  return [
    ...(tooOld ? [found('VERSION_TOO_OLD', [side, shownVersion(cluster), OLDEST_VERSION[side]])] : []),
    ...checkPrivileges(cluster, side, options),
  ];
}

/** Whether the connection's user may do all that a migration takes; one finding for all that is missing. */
function checkPrivileges(
  cluster: ClusterDescription,
  side: Side,
  { usersAndRoles = false }: Pick<MigrationOptions, 'usersAndRoles'>,
): Found[] {
  const { privileges } = cluster;
  if (privileges === undefined) return [];
  const { blocksWrites: blocks } = sourceFeatures(levelOf(cluster));
  const missing = missingPrivileges(privileges, side, { blocks, usersAndRoles });
  if (missing.length === 0) return [];
  const { login } = privileges;
  const command = grantCommand(login, side, missing);
  return [found('MISSING_PRIVILEGE', [`${login.db}.${login.user}`, side, describeMissing(missing), side, command])];
}

/** Whether the one can take what the other has. */
export function checkPair(source: ClusterDescription, destination: ClusterDescription): Found[] {
  if (!source.replicaSet || !destination.replicaSet) return [];
  const pair: Found[] = [];
  // A user who may not see the id lacks a privilege, which is said.
  if (source.clusterId !== '' && source.clusterId === destination.clusterId) pair.push(found('SAME_CLUSTER'));
  if (isOlder(destination, source)) {
    pair.push(found('DESTINATION_OLDER', [shownVersion(destination), shownVersion(source)]));
  }
  return pair;
}

/** What counts of a server's version: its feature compatibility version, which is never newer. */
export function levelOf(cluster: ClusterDescription): string {
  return cluster.featureCompatibilityVersion || cluster.mongoDBVersion;
}

/** A server's version for messages, with what holds it back. */
export function shownVersion(cluster: ClusterDescription): string {
  const { mongoDBVersion: version } = cluster;
  if (compareVersions(levelOf(cluster), version) === 0) return version;
  return `${version} with the feature compatibility version ${levelOf(cluster)}`;
}

function isOlder(a: ClusterDescription, b: ClusterDescription): boolean {
  return compareVersions(a.mongoDBVersion, b.mongoDBVersion) < 0 || compareVersions(levelOf(a), levelOf(b)) < 0;
}
