import { Binary, type Document, MongoServerError } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { tolerate } from '../catalog/change-catalog.ts';
import { fieldsOf } from '../catalog/fields.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import type { MadeAccount, MadeAccounts } from '../records/made-accounts.ts';
import { type AccountDifferences, nameOf } from './compare-accounts.ts';
import type { Definition } from './definition.ts';

const MAJORITY = { w: 'majority', j: true };
const USER_NOT_FOUND = 11;
const NAMESPACE_NOT_FOUND = 26;
const ROLE_NOT_FOUND = 31;

/**
 * Makes the differences between both sides' users and roles disappear, but for those that are kept. What is about to be made is on record
 * first, so that an engine that dies here knows afterwards what is its own.
 */
export async function makeAccounts(
  fence: Fence,
  made: MadeAccounts,
  users: AccountDifferences,
  roles: AccountDifferences,
): Promise<void> {
  // Before they go on record: of two migrations that make one role, the later one has it, or neither.
  await made.takeNames([...users.missing, ...roles.missing]);
  await made.announce([...users.missing, ...users.changed, ...roles.missing, ...roles.changed]);
  await reach('engine.accounts.announced');
  // There is no way to give an existing user what its password is checked with, so one that changed is made anew.
  for (const { database, name } of [...users.changed, ...users.gone.map(nameOf)]) {
    await dropUser(fence, database, name);
  }
  await reach('engine.accounts.users-dropped');
  await merge(fence, [...users.missing, ...users.changed], roles.missing);
  // Servers refuse a ring of roles. There is none on the source, but on the way there might be, so all let go of their roles first.
  const none = new RawValue(BSON_TYPE.array, array([]));
  for (const role of roles.changed) await updateRole(fence, role, { roles: none });
  for (const role of roles.changed) await updateRole(fence, role);
  for (const role of roles.gone) await dropRole(fence, role);
  await reach('engine.accounts.made');
  await made.saveRoles(
    [...roles.missing, ...roles.changed].map(({ id, bytes }) => ({ id, definition: new Binary(bytes) })),
  );
  await made.forget([...users.gone, ...users.forgotten, ...roles.gone, ...roles.forgotten].map(({ _id }) => _id));
}

/** Drops what was made, for a migration that is given up. @param accounts  only ones that are there and Linkspan's own */
export async function dropAccounts(fence: Fence, accounts: readonly MadeAccount[]): Promise<void> {
  for (const account of accounts) {
    const { database, name } = nameOf(account);
    if (account._id.kind === 'user') await dropUser(fence, database, name);
    else await dropRole(fence, account);
  }
}

/**
 * The way of `mongorestore`, and the only one by which a password moves without being known: definitions are put into collections of our own, and
 * the server takes them over from there. Those that exist already it leaves alone, and the order of roles does not matter to it.
 */
async function merge(fence: Fence, users: readonly Definition[], roles: readonly Definition[]): Promise<void> {
  if (users.length + roles.length === 0) return;
  const [usersFrom, rolesFrom] = transitCollections(fence.migrationId);
  try {
    await put(fence, usersFrom, users);
    await put(fence, rolesFrom, roles);
    await reach('engine.accounts.put');
    const command = {
      _mergeAuthzCollections: 1,
      tempUsersCollection: users.length > 0 ? `${INTERNAL_DATABASE}.${usersFrom}` : '',
      tempRolesCollection: roles.length > 0 ? `${INTERNAL_DATABASE}.${rolesFrom}` : '',
      drop: false,
      db: '',
    };
    await quietly(fence.change('admin', command));
    await reach('engine.accounts.merged');
  } finally {
    await clearTransit(fence);
  }
}

async function put(fence: Fence, name: string, definitions: readonly Definition[]): Promise<void> {
  if (definitions.length === 0) return;
  const documents = documentSequence(
    'documents',
    definitions.map(({ bytes }) => bytes),
  );
  const inserted = fence.write(INTERNAL_DATABASE, { insert: name, documents, writeConcern: MAJORITY });
  const { writeErrors = [] } = await quietly(inserted);
  if (writeErrors.length > 0)
    throw new MongoServerError({ message: 'users and roles were refused', code: writeErrors[0].code });
}

/** Removes what a run that died on the way has left of users' credentials. */
export async function clearTransit(fence: Fence): Promise<void> {
  for (const drop of transitCollections(fence.migrationId)) {
    await tolerate([NAMESPACE_NOT_FOUND], fence.change(INTERNAL_DATABASE, { drop }));
  }
}

function transitCollections(migrationId: string): readonly [users: string, roles: string] {
  return [`transit.${migrationId}.users`, `transit.${migrationId}.roles`];
}

/** Changes a role in place: dropping it would take it from users of the destination that have it. */
async function updateRole(
  fence: Fence,
  { database, name, bytes }: Definition,
  otherwise: Readonly<Record<string, RawValue>> = {},
): Promise<void> {
  const fields: Partial<Record<string, RawValue>> = { ...Object.fromEntries(fieldsOf(bytes)), ...otherwise };
  const { privileges, roles, authenticationRestrictions } = fields;
  await fence.change(database, {
    updateRole: name,
    privileges: privileges ?? [],
    roles: roles ?? [],
    authenticationRestrictions: authenticationRestrictions ?? [],
  });
}

async function dropUser(fence: Fence, database: string, name: string): Promise<void> {
  await tolerate([USER_NOT_FOUND], fence.change(database, { dropUser: name }));
}

async function dropRole(fence: Fence, role: MadeAccount): Promise<void> {
  const { database, name } = nameOf(role);
  await tolerate([ROLE_NOT_FOUND], fence.change(database, { dropRole: name }));
}

/** Servers quote commands in their errors, and these hold credentials: only what kind of error it is gets out. */
async function quietly(command: Promise<Document>): Promise<Document> {
  try {
    return await command;
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error;
    const { code, codeName, errorLabels } = error;
    throw new MongoServerError({
      message: `users and roles were refused: ${codeName ?? code}`,
      code,
      codeName,
      errorLabels,
    });
  }
}
