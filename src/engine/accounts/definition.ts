import type { MongoClient } from 'mongodb';
import { isMigrationUser } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import type { CausalRead } from '../mongodb/fence.ts';
import { readAll } from '../mongodb/raw-cursor.ts';

export type AccountKind = 'user' | 'role';

/** The collections of `admin` with the definitions. */
export const STORED_IN: Readonly<Record<AccountKind, string>> = { user: 'system.users', role: 'system.roles' };

/**
 * A user or custom role of a cluster, as `admin.system.users` or `admin.system.roles` stores it. Built-in roles aren't
 * stored. A user's bytes contain its password verifier: they go to the destination's own collection of users, and
 * nowhere else.
 */
export interface Definition {
  readonly kind: AccountKind;
  readonly database: string;
  readonly name: string;
  /** database.name */
  readonly id: string;
  readonly bytes: Buffer;
  /**
   * Distinguishes a user from an earlier one with the same name; empty for roles, and for users of servers before 3.6.
   */
  readonly userId: string;
}

/** Returns all users or roles but those of migrations. The role `backup` may read both, `restore` only users. */
export async function readDefinitions(
  client: MongoClient,
  kind: AccountKind,
  readConcern: CausalRead = { level: 'majority' },
): Promise<Definition[]> {
  const stored = await readAll(client, 'admin', {
    find: STORED_IN[kind],
    readConcern,
  });
  const definitions = stored.map((bytes): Definition => {
    const { [kind]: name, db: database, userId } = decode(bytes);
    return { kind, database, name, id: `${database}.${name}`, bytes, userId: userId?.toString('hex') ?? '' };
  });
  // rule: leave-migration-users
  return definitions.filter(({ database, name }) => database !== 'admin' || !isMigrationUser(name));
}

/** Returns those of the roles that a cluster has. */
export async function existingRoles(
  client: MongoClient,
  roles: readonly Pick<Definition, 'database' | 'name'>[],
): Promise<Set<string>> {
  const rolesInfo = roles.map(({ name, database }) => ({ role: name, db: database }));
  const reply = rolesInfo.length === 0 ? { roles: [] } : await client.db('admin').command({ rolesInfo });
  return new Set(reply.roles.map(({ role, db }: { role: string; db: string }) => `${db}.${role}`));
}

/** Returns the names of the users that a connection is authenticated as. */
export async function authenticatedUsers(client: MongoClient): Promise<Set<string>> {
  const { authInfo } = await client.db('admin').command({ connectionStatus: 1 });
  return new Set(authInfo.authenticatedUsers.map(({ user, db }: { user: string; db: string }) => `${db}.${user}`));
}
