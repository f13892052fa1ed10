import type { Db, Document } from 'mongodb';
import type { UserCredentials } from '../control/index.ts';
import { messageOf, reach, redact, UserError } from '../platform/index.ts';
import { TIMEOUT_MS, withDestination } from './client.ts';

/**
 * What a migration's user may do (docs/12-administration.md has the table). The server's role `restore` is not among it: it may make
 * users, so whoever had it could give themselves everything, and to stay.
 */
const ROLES = ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'];
/** Others are kept from writing to the destination until the cutover. */
const PRIVILEGES = [{ resource: { cluster: true }, actions: ['setUserWriteBlockMode', 'bypassWriteBlockingMode'] }];

/** What the registered user needs in the database `admin` to make one: `userAdmin` there has it, and so has `userAdminAnyDatabase`. */
const MAKING = ['createUser', 'dropUser', 'createRole', 'dropRole', 'grantRole'];

/** An answer that is the same however often one asks: Unauthorized, AuthenticationFailed, and AtlasError, where users are not made this way. */
const REFUSALS = [13, 18, 8000];
const USER_NOT_FOUND = 11;
const ROLE_NOT_FOUND = 31;

/** Survives whatever happens to the primary, or is an error. */
const DURABLY = { writeConcern: { w: 'majority', wtimeout: TIMEOUT_MS } };

/** Whether the connected user may make users for migrations. Where there is no authentication, there is nobody to make them for. */
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
 * Makes a migration's user, with a role of its own of the same name; what an earlier attempt left is replaced.
 * @throws UserError DESTINATION_USER_REFUSED; anything else may pass by itself
 */
export async function makeMigrationUser(
  connectionString: string,
  { name, password }: UserCredentials,
  signal: AbortSignal,
): Promise<void> {
  await asAdministrator(connectionString, signal, async (admin) => {
    await drop(admin, name, 'destination.user.former-role-left');
    await admin.command({ createRole: name, privileges: PRIVILEGES, roles: ROLES, ...DURABLY });
    await reach('destination.user.role-made');
    const mechanisms = ['SCRAM-SHA-256'];
    await admin.command({ createUser: name, pwd: password, roles: [name], mechanisms, ...DURABLY });
  });
}

/** Drops such a user and its role, as far as they are there. @throws as {@link makeMigrationUser} */
export async function dropMigrationUser(connectionString: string, name: string, signal: AbortSignal): Promise<void> {
  await asAdministrator(connectionString, signal, (admin) => drop(admin, name, 'destination.user.role-left'));
}

async function drop(admin: Db, name: string, halfDone: string): Promise<void> {
  await unlessMissing(admin.command({ dropUser: name, ...DURABLY }), USER_NOT_FOUND);
  await reach(halfDone);
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
