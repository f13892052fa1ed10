import { MongoClient } from 'mongodb';
import type { SetInDialect } from '../support/dialect/set-in-dialect.ts';
import { LEAST_ROLES } from '../support/least-privilege.ts';
import type { MongodProcess } from '../support/mongod-process.ts';
import type { ReplicaSet, Role } from '../support/replica-set.ts';
import type { Side } from './plan.ts';

const USERS = {
  source: { name: 'reader', roles: LEAST_ROLES.source },
  destination: { name: 'writer', roles: LEAST_ROLES.destination },
};
const PASSWORD = 'secret';
const APPLICATION = 'app';

/**
 * Creates the migration's user of that side, which has only the necessary roles, and the applications' user.
 * @param roles  of the migration's user
 * @param ofApplication  more roles of the applications' user
 */
export async function createUsers(
  set: Pick<ReplicaSet, 'createUser'>,
  side: Side,
  { roles = USERS[side].roles, ofApplication = [] }: { roles?: readonly Role[]; ofApplication?: readonly Role[] } = {},
): Promise<void> {
  await set.createUser(USERS[side].name, PASSWORD, roles);
  await set.createUser(APPLICATION, PASSWORD, ['readWriteAnyDatabase', 'dbAdminAnyDatabase', ...ofApplication]);
}

/** Returns the set's connection string with the migration's user. @param port  of a proxy in front of its only member */
export function uriOf(set: Pick<ReplicaSet, 'uriFor'>, side: Side, port?: number): string {
  const { name } = USERS[side];
  if (port === undefined) return set.uriFor(name, PASSWORD);
  return `mongodb://${name}:${PASSWORD}@127.0.0.1:${port}/?directConnection=true&authSource=admin`;
}

/** Returns the connection string of a sharded source with the migration's user. @param ports  of its routers, or of proxies in front of them */
export function uriOfRouters(ports: readonly number[]): string {
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  return `mongodb://${USERS.source.name}:${PASSWORD}@${hosts}/?authSource=admin`;
}

/** Returns a client with the applications' user, whom the write block refuses. The caller must close it. */
export function applicationOf(set: Pick<ReplicaSet, 'uriFor'>): MongoClient {
  return new MongoClient(set.uriFor(APPLICATION, PASSWORD));
}

/** Returns the port that leads to a member; in a dialect, that of its proxy. */
export function portOf(set: ReplicaSet | SetInDialect, member: MongodProcess): number {
  return 'proxyPort' in set ? set.proxyPort(member) : member.port;
}
