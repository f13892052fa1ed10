import { UserError } from '../../platform/index.ts';
import type { Side } from '../cluster/connect.ts';
import { compareVersions, OLDEST_VERSION } from '../cluster/server-features.ts';
import type { ClusterDescription } from './inspect-cluster.ts';

/** Whether a cluster is of a kind that can be migrated at all. */
export function checkTopology(cluster: ClusterDescription, side: Side): UserError[] {
  if (cluster.sharded) return [new UserError('SHARDED_CLUSTER', [side, cluster.primary])];
  if (!cluster.replicaSet) return [new UserError('STANDALONE_SERVER', [side, cluster.primary])];
  if (compareVersions(levelOf(cluster), OLDEST_VERSION[side]) < 0) {
    return [new UserError('VERSION_TOO_OLD', [side, shownVersion(cluster), OLDEST_VERSION[side]])];
  }
  return [];
}

/** Whether the one can take what the other has. */
export function checkPair(source: ClusterDescription, destination: ClusterDescription): UserError[] {
  const errors: UserError[] = [];
  if (source.clusterId === destination.clusterId) errors.push(new UserError('SAME_CLUSTER'));
  if (isOlder(destination, source)) {
    errors.push(new UserError('DESTINATION_OLDER', [shownVersion(destination), shownVersion(source)]));
  }
  return errors;
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
