import { createHash } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { messageOf, UserError, whyInvalid, whyUnreadable } from '../platform/index.ts';

/** mongosync's names of the two clusters; either can be the source. */
export const clusterNames = ['cluster0', 'cluster1'] as const;
export type ClusterName = (typeof clusterNames)[number];

/** The connection strings of both. */
export type ClusterUris = Readonly<Record<ClusterName, string>>;

/** @throws UserError INVALID_CONNECTION_STRING naming the cluster, without quoting the string */
export function checkUris(uris: ClusterUris): void {
  for (const name of clusterNames) seedsOf(name, uris[name]);
}

/**
 * The id of the migration between two clusters in one direction: 24 hex digits that depend only on the host names (or the SRV name) and the
 * replica set names of both connection strings, in any order, and on the mode (of which the selection is a part where the destination keeps its
 * data). So the same command started again goes on where it was
 * stopped, even with another password; naming other members of a set makes another migration, which then finds a destination that is not
 * empty and says so.
 */
export function migrationIdOf(uris: ClusterUris, source: ClusterName, destination: ClusterName, mode: string): string {
  const identity = ['sync', mode, seedsOf(source, uris[source]), seedsOf(destination, uris[destination])];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 24);
}

function seedsOf(name: ClusterName, uri: string): string[] {
  const invalid = (why: string) => new UserError('INVALID_CONNECTION_STRING', [`cluster given as ${name}`, why]);
  const unreadable = whyUnreadable(uri);
  if (unreadable !== undefined) throw invalid(unreadable);
  try {
    // Making a client parses the string and connects to nothing.
    const { srvHost, hosts, replicaSet } = new MongoClient(uri).options;
    const seeds = srvHost ? [srvHost] : hosts.map(String);
    return [replicaSet ?? '', ...seeds.map((seed) => seed.toLowerCase()).sort()];
  } catch (error) {
    throw invalid(whyInvalid(uri, messageOf(error)));
  }
}
