import type { ReplicaSetPair } from './replica-set.ts';

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
