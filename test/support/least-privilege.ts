import type { ReplicaSetPair } from './replica-set.ts';
import type { ShardedCluster } from './sharded-cluster.ts';

/** The built-in roles that the users of a migration need on each side, listed in docs/operate/agent.md. */
export const LEAST_ROLES = {
  source: ['backup', 'readAnyDatabase', 'clusterMonitor'],
  destination: ['restore', 'readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'],
} as const;

/** Creates `reader` on the source and `writer` on the destination. Returns connection strings of both sides with these users. */
export async function leastPrivilegeUsers({ source, destination }: ReplicaSetPair) {
  await source.createUser('reader', 'secret', LEAST_ROLES.source);
  await destination.createUser('writer', 'secret', LEAST_ROLES.destination);
  return {
    source: { uri: source.uriFor('reader', 'secret') },
    destination: { uri: destination.uriFor('writer', 'secret') },
  };
}

/**
 * Creates the role that the user of a sharded source needs beside `LEAST_ROLES`, listed in docs/plan/sharded-sources.md.
 * Returns all roles of that user.
 */
export async function rolesOnSharded({ client }: Pick<ShardedCluster, 'client'>): Promise<string[]> {
  const record = {
    resource: { db: 'admin', collection: 'linkspan_write_block' },
    actions: ['find', 'insert', 'update'],
  };
  const deadlocks = { resource: { cluster: true }, actions: ['killop'] };
  await client.db('admin').command({ createRole: 'linkspanBlock', privileges: [record, deadlocks], roles: [] });
  return [...LEAST_ROLES.source, 'linkspanBlock'];
}
