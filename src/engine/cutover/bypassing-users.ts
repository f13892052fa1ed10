import type { MongoClient } from 'mongodb';

/** The server's roles with `bypassWriteBlockingMode` (tried on 6.0.5). */
const BYPASSING_ROLES = ['restore', 'root', '__system'];
const BYPASS = 'bypassWriteBlockingMode';
const SHOWN_USERS = 20;

interface RoleName {
  readonly role: string;
  readonly db: string;
}

/** A document of `system.users` or `system.roles`. */
interface Account {
  readonly user?: string;
  readonly role?: string;
  readonly db: string;
  readonly roles?: readonly RoleName[];
  readonly privileges?: readonly { readonly actions: readonly string[] }[];
}

/**
 * Returns the names of the users who can write under the write block, as one text; undefined when there are none.
 * @throws MongoServerError when the connection's user may not see them
 */
export async function bypassingUsers(client: MongoClient): Promise<string | undefined> {
  const admin = client.db('admin');
  const [users, roles] = await Promise.all([
    admin
      .collection<Account>('system.users')
      .find({}, { projection: { user: 1, db: 1, roles: 1 } })
      .toArray(),
    admin.collection<Account>('system.roles').find({}).toArray(),
  ]);
  const bypassing = bypassingRoles(roles);
  const names = users
    .filter(({ roles: of = [] }) => of.some((role) => bypassing.has(nameOf(role.role, role.db))))
    .map(({ user, db }) => nameOf(user ?? '', db));
  if (names.length === 0) return undefined;
  const more = names.length > SHOWN_USERS ? ` and ${names.length - SHOWN_USERS} more` : '';
  return names.slice(0, SHOWN_USERS).join(', ') + more;
}

/**
 * Returns the roles with the privilege: the server's, custom roles that have it, and roles that inherit from one of
 * them.
 */
function bypassingRoles(custom: readonly Account[]): ReadonlySet<string> {
  const bypassing = new Set(BYPASSING_ROLES.map((role) => nameOf(role, 'admin')));
  for (let before = -1; before !== bypassing.size; ) {
    before = bypassing.size;
    for (const { role = '', db, roles = [], privileges = [] } of custom) {
      const has = privileges.some(({ actions }) => actions.includes(BYPASS) || actions.includes('anyAction'));
      if (has || roles.some((one) => bypassing.has(nameOf(one.role, one.db)))) bypassing.add(nameOf(role, db));
    }
  }
  return bypassing;
}

function nameOf(name: string, database: string): string {
  return `${database}.${name}`;
}
