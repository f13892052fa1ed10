import { Binary, type Document, MongoServerError } from 'mongodb';
import { failpoint } from '../../platform/index.ts';
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
 * Removes the differences between both sides' users and roles, except for those that are kept. The record comes first,
 * so that an engine that resumes after a crash knows which accounts Linkspan created.
 */
export async function makeAccounts(
  fence: Fence,
  made: MadeAccounts,
  users: AccountDifferences,
  roles: AccountDifferences,
): Promise<void> {
  // Before the record: when two migrations create one role, the later one owns it, or neither does.
  await made.takeNames([...users.missing, ...roles.missing]);
  await made.announce([...users.missing, ...users.changed, ...roles.missing, ...roles.changed]);
  await failpoint('engine.accounts.announced');
  // Servers can't set an existing user's password verifier, so a changed user is dropped and recreated.
  for (const { database, name } of [...users.changed, ...users.gone.map(nameOf)]) {
    await dropUser(fence, database, name);
  }
  await failpoint('engine.accounts.users-dropped');
  await merge(fence, [...users.missing, ...users.changed], roles.missing);
  // Servers refuse cycles of roles. The source has none, but an intermediate state could, so all changed roles first
  // lose their roles.
  const none = new RawValue(BSON_TYPE.array, array([]));
  for (const role of roles.changed) await updateRole(fence, role, { roles: none });
  for (const role of roles.changed) await updateRole(fence, role);
  for (const role of roles.gone) await dropRole(fence, role);
  await failpoint('engine.accounts.made');
  await made.saveRoles(
    [...roles.missing, ...roles.changed].map(({ id, bytes }) => ({ id, definition: new Binary(bytes) })),
  );
  await made.forget([...users.gone, ...users.forgotten, ...roles.gone, ...roles.forgotten].map(({ _id }) => _id));
}

/**
 * Drops created accounts, for a migration that is cancelled.
 * @param accounts  only existing ones that Linkspan created
 */
export async function dropAccounts(fence: Fence, accounts: readonly MadeAccount[]): Promise<void> {
  for (const account of accounts) {
    const { database, name } = nameOf(account);
    if (account._id.kind === 'user') await dropUser(fence, database, name);
    else await dropRole(fence, account);
  }
}

/**
 * Works as `mongorestore` does, the only way to migrate a password that the engine doesn't know. Definitions go into
 * collections of Linkspan's own, and the server merges them from there. It ignores existing ones, and roles can be in
 * any order.
 */
async function merge(fence: Fence, users: readonly Definition[], roles: readonly Definition[]): Promise<void> {
  if (users.length + roles.length === 0) return;
  const [usersFrom, rolesFrom] = transitCollections(fence.migrationId);
  try {
    await put(fence, usersFrom, users);
    await put(fence, rolesFrom, roles);
    await failpoint('engine.accounts.put');
    const command = {
      _mergeAuthzCollections: 1,
      tempUsersCollection: users.length > 0 ? `${INTERNAL_DATABASE}.${usersFrom}` : '',
      tempRolesCollection: roles.length > 0 ? `${INTERNAL_DATABASE}.${rolesFrom}` : '',
      drop: false,
      db: '',
    };
    await quietly(fence.change('admin', command));
    await failpoint('engine.accounts.merged');
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

/** Removes credentials of users that an interrupted run left behind. */
export async function clearTransit(fence: Fence): Promise<void> {
  const drops = transitCollections(fence.migrationId).map((drop) =>
    tolerate([NAMESPACE_NOT_FOUND], fence.change(INTERNAL_DATABASE, { drop })),
  );
  await Promise.all(drops);
}

function transitCollections(migrationId: string): readonly [users: string, roles: string] {
  return [`transit.${migrationId}.users`, `transit.${migrationId}.roles`];
}

/** Changes a role in place: dropping it would take it from the destination's users who have it. */
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

/**
 * Reports only the kind of an error: servers quote commands in their errors, and these commands contain credentials.
 */
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
