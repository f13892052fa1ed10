import type { ReplicaSet } from '../support/replica-set.ts';
import type { Side } from './plan.ts';

const USERS = {
  source: { name: 'reader', roles: ['backup', 'readAnyDatabase', 'clusterMonitor'] },
  destination: { name: 'writer', roles: ['restore', 'readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'] },
};
export const PASSWORD = 'secret';
export const APPLICATION = 'app';

/** Creates the migration's user of that side with the fewest roles, and the applications' user. @returns the migration's user */
export async function createUsers(set: ReplicaSet, side: Side): Promise<string> {
  const { name, roles } = USERS[side];
  await set.createUser(name, PASSWORD, roles);
  await set.createUser(APPLICATION, PASSWORD, ['readWriteAnyDatabase', 'dbAdminAnyDatabase']);
  return name;
}
