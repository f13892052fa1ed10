import { createHash } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { messageOf, UserError, whyInvalid, whyUnreadable } from '../platform/index.ts';

/** mongosync's names of the two clusters; either can be the source. */
export const clusterNames = ['cluster0', 'cluster1'] as const;
export type ClusterName = (typeof clusterNames)[number];

/** Returns the other cluster. */
export function otherThan(name: ClusterName): ClusterName {
  return name === 'cluster0' ? 'cluster1' : 'cluster0';
}

/** The connection strings of both clusters. */
export type ClusterUris = Readonly<Record<ClusterName, string>>;

/** @throws UserError INVALID_CONNECTION_STRING naming the cluster, without quoting the string */
export function checkUris(uris: ClusterUris): void {
  for (const name of clusterNames) seedsOf(name, uris[name]);
}

/**
 * Returns the id of the migration between two clusters in one direction, so that the same command resumes the same migration. The 24 hex digits
 * depend only on the host names (or the SRV name) and replica set names of both connection strings, in any order, and on the mode. If the
 * destination keeps its data, the mode includes the selection. Another password does not change the id. Other members of the same set do: that
 * is another migration, which preflight refuses because the destination is not empty.
 */
export function migrationIdOf(uris: ClusterUris, source: ClusterName, destination: ClusterName, mode: string): string {
  const identity = ['sync', mode, seedsOf(source, uris[source]), seedsOf(destination, uris[destination])];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 24);
}

/** Returns a name for files of a process that has these two clusters; the same for each process that has them. */
export function pairIdOf(uris: ClusterUris): string {
  return migrationIdOf(uris, 'cluster0', 'cluster1', 'pair');
}

/** Returns the hosts of both clusters, separated by commas, or their SRV names; no credentials. */
export function hostsOf(uris: ClusterUris): Record<ClusterName, string> {
  const hosts = (name: ClusterName) => seedsOf(name, uris[name]).slice(1).join(',');
  return { cluster0: hosts('cluster0'), cluster1: hosts('cluster1') };
}

function seedsOf(name: ClusterName, uri: string): string[] {
  const invalid = (why: string) => new UserError('INVALID_CONNECTION_STRING', [`cluster given as ${name}`, why]);
  const unreadable = whyUnreadable(uri);
  if (unreadable !== undefined) throw invalid(unreadable);
  try {
    // The constructor parses the string and opens no connection.
    const { srvHost, hosts, replicaSet } = new MongoClient(uri).options;
    const seeds = srvHost ? [srvHost] : hosts.map(String);
    return [replicaSet ?? '', ...seeds.map((seed) => seed.toLowerCase()).sort()];
  } catch (error) {
    throw invalid(whyInvalid(uri, messageOf(error)));
  }
}
