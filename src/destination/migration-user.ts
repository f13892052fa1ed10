import type { Db, Document } from 'mongodb';
import type { MigrationUser } from '../control/index.ts';
import { ACCOUNT_ACTIONS, failpoint, messageOf, redact, UserError } from '../platform/index.ts';
import { TIMEOUT_MS, withDestination } from './client.ts';

/**
 * Roles of a migration's user (docs/secure/privileges.md has the table). The server's role `restore` is not among them. It can create users,
 * so its holder could grant itself every privilege permanently. Only a migration of users and roles needs that.
 */
const ROLES = ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'];
/** Needed to block writes of other users to the destination until the cutover. */
const BLOCK_ACTIONS = ['setUserWriteBlockMode', 'bypassWriteBlockingMode'];
/** Needed for a failback, whose source this cluster is. The roles above grant everything else that a source needs. */
const SOURCE_ACTIONS = ['appendOplogNote'];

/** Actions that the registered user needs on the database `admin`: the roles `userAdmin` and `userAdminAnyDatabase` there grant them. */
const MAKING = ['createUser', 'dropUser', 'createRole', 'dropRole', 'grantRole'];

/** Permanent errors: Unauthorized, AuthenticationFailed, and AtlasError (Atlas does not allow createUser). */
const REFUSALS = [13, 18, 8000];
const USER_NOT_FOUND = 11;
const ROLE_NOT_FOUND = 31;

/** With majority, a successful command survives a failover. */
const DURABLY = { writeConcern: { w: 'majority', wtimeout: TIMEOUT_MS } };

/** Whether the connected user may create users for migrations. Returns false on a server without authentication. */
export async function mayMakeUsers(admin: Db): Promise<boolean> {
  const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true });
  const held = (authInfo.authenticatedUserPrivileges as Document[])
    .filter(
      ({ resource }) => resource.anyResource || (['', 'admin'].includes(resource.db) && resource.collection === ''),
    )
    .flatMap(({ actions }) => actions);
  return MAKING.every((action) => held.includes(action));
}

/**
 * Creates a migration's user, and a role with the same name. Replaces user and role of an earlier attempt.
 * @throws UserError DESTINATION_USER_REFUSED; all other errors may be transient
 */
export async function makeMigrationUser(
  connectionString: string,
  { name, password, reversible, usersAndRoles }: MigrationUser,
  signal: AbortSignal,
): Promise<void> {
  await asAdministrator(connectionString, signal, async (admin) => {
    await drop(admin, name, 'destination.user.former-role-left');
    const privileges = [
      { resource: { cluster: true }, actions: [...BLOCK_ACTIONS, ...(reversible ? SOURCE_ACTIONS : [])] },
      ...(usersAndRoles ? accountPrivileges(reversible) : []),
    ];
    await admin.command({ createRole: name, privileges, roles: ROLES, ...DURABLY });
    await failpoint('destination.user.role-made');
    const mechanisms = ['SCRAM-SHA-256'];
    await admin.command({ createUser: name, pwd: password, roles: [name], mechanisms, ...DURABLY });
  });
}

/** Drops such a user and its role if they exist. @throws as {@link makeMigrationUser} */
export async function dropMigrationUser(connectionString: string, name: string, signal: AbortSignal): Promise<void> {
  await asAdministrator(connectionString, signal, (admin) => drop(admin, name, 'destination.user.role-left'));
}

/** The privileges to create the source's users and roles. With them, the user can make others, who stay when it is dropped. */
function accountPrivileges(reversible: boolean): Document[] {
  const read = ['system.users', ...(reversible ? ['system.roles'] : [])];
  return [
    { resource: { db: '', collection: '' }, actions: ACCOUNT_ACTIONS },
    ...read.map((collection) => ({ resource: { db: 'admin', collection }, actions: ['find'] })),
  ];
}

async function drop(admin: Db, name: string, halfDone: string): Promise<void> {
  await unlessMissing(admin.command({ dropUser: name, ...DURABLY }), USER_NOT_FOUND);
  await failpoint(halfDone);
  await unlessMissing(admin.command({ dropRole: name, ...DURABLY }), ROLE_NOT_FOUND);
}

async function unlessMissing(command: Promise<unknown>, missing: number): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (codeOf(error) !== missing) throw error;
  }
}

async function asAdministrator(
  connectionString: string,
  signal: AbortSignal,
  act: (admin: Db) => Promise<void>,
): Promise<void> {
  try {
    await withDestination(connectionString, (client) => act(client.db('admin')), TIMEOUT_MS, signal);
  } catch (error) {
    const why = redact(messageOf(error)).replace(/\.$/, '');
    if (REFUSALS.includes(Number(codeOf(error))))
      throw new UserError('DESTINATION_USER_REFUSED', [why], { cause: error });
    throw new Error(why, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
