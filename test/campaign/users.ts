import { MongoClient } from 'mongodb';
import { LEAST_ROLES } from '../support/least-privilege.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import type { Side } from './plan.ts';

const USERS = {
  source: { name: 'reader', roles: LEAST_ROLES.source },
  destination: { name: 'writer', roles: LEAST_ROLES.destination },
};
const PASSWORD = 'secret';
const APPLICATION = 'app';

/** Creates the migration's user of that side, which has only the necessary roles, and the applications' user. */
export async function createUsers(set: ReplicaSet, side: Side): Promise<void> {
  const { name, roles } = USERS[side];
  await set.createUser(name, PASSWORD, roles);
  await set.createUser(APPLICATION, PASSWORD, ['readWriteAnyDatabase', 'dbAdminAnyDatabase']);
}

/** Returns the set's connection string with the migration's user. @param port  of a proxy in front of its only member */
export function uriOf(set: ReplicaSet, side: Side, port?: number): string {
  const { name } = USERS[side];
  if (port === undefined) return set.uriFor(name, PASSWORD);
  return `mongodb://${name}:${PASSWORD}@127.0.0.1:${port}/?directConnection=true&authSource=admin`;
}

/** Returns a client with the applications' user, whom the write block refuses. The caller must close it. */
export function applicationOf(set: ReplicaSet): MongoClient {
  return new MongoClient(set.uriFor(APPLICATION, PASSWORD));
}
