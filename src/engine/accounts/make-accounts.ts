import { Binary, type Document, type MongoClient, MongoServerError } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { tolerate } from '../catalog/change-catalog.ts';
import { fieldsOf } from '../catalog/fields.ts';
import { INTERNAL_DATABASE } from '../catalog/namespaces.ts';
import type { MadeAccount, MadeAccounts } from '../checkpoint/made-accounts.ts';
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
  destination: MongoClient,
  made: MadeAccounts,
  users: AccountDifferences,
  roles: AccountDifferences,
): Promise<void> {
  await made.announce([...users.missing, ...users.changed, ...roles.missing, ...roles.changed]);
  await reach('engine.accounts.announced');
  // There is no way to give an existing user what its password is checked with, so one that changed is made anew.
  for (const { database, name } of [...users.changed, ...users.gone.map(nameOf)]) {
    await dropUser(destination, database, name);
  }
  await reach('engine.accounts.users-dropped');
  await merge(destination, made.migrationId, [...users.missing, ...users.changed], roles.missing);
  // Servers refuse a ring of roles. There is none on the source, but on the way there might be, so all let go of their roles first.
  const none = new RawValue(BSON_TYPE.array, array([]));
  for (const role of roles.changed) await updateRole(destination, role, { roles: none });
  for (const role of roles.changed) await updateRole(destination, role);
  for (const role of roles.gone) await dropRole(destination, role);
  await reach('engine.accounts.made');
  await made.saveRoles(
    [...roles.missing, ...roles.changed].map(({ id, bytes }) => ({ id, definition: new Binary(bytes) })),
  );
  await made.forget([...users.gone, ...users.forgotten, ...roles.gone, ...roles.forgotten].map(({ _id }) => _id));
}

/** Drops what was made, for a migration that is given up. @param accounts  only ones that are there and Linkspan's own */
export async function dropAccounts(destination: MongoClient, accounts: readonly MadeAccount[]): Promise<void> {
  for (const account of accounts) {
    const { database, name } = nameOf(account);
    if (account._id.kind === 'user') await dropUser(destination, database, name);
    else await dropRole(destination, account);
  }
}

/**
 * The way of `mongorestore`, and the only one by which a password moves without being known: definitions are put into collections of our own, and
 * the server takes them over from there. Those that exist already it leaves alone, and the order of roles does not matter to it.
 */
async function merge(
  destination: MongoClient,
  migrationId: string,
  users: readonly Definition[],
  roles: readonly Definition[],
): Promise<void> {
  if (users.length + roles.length === 0) return;
  const [usersFrom, rolesFrom] = transitCollections(migrationId);
  try {
    await put(destination, usersFrom, users);
    await put(destination, rolesFrom, roles);
    await reach('engine.accounts.put');
    const command = {
      _mergeAuthzCollections: 1,
      tempUsersCollection: users.length > 0 ? `${INTERNAL_DATABASE}.${usersFrom}` : '',
      tempRolesCollection: roles.length > 0 ? `${INTERNAL_DATABASE}.${rolesFrom}` : '',
      drop: false,
      db: '',
      writeConcern: MAJORITY,
    };
    await quietly(destination.db('admin').command(command));
    await reach('engine.accounts.merged');
  } finally {
    await clearTransit(destination, migrationId);
  }
}

async function put(destination: MongoClient, name: string, definitions: readonly Definition[]): Promise<void> {
  if (definitions.length === 0) return;
  const documents = documentSequence(
    'documents',
    definitions.map(({ bytes }) => bytes),
  );
  const inserted = destination.db(INTERNAL_DATABASE).command({ insert: name, documents, writeConcern: MAJORITY });
  const { writeErrors = [] } = await quietly(inserted);
  if (writeErrors.length > 0)
    throw new MongoServerError({ message: 'users and roles were refused', code: writeErrors[0].code });
}

/** Removes what a run that died on the way has left of users' credentials. */
export async function clearTransit(destination: MongoClient, migrationId: string): Promise<void> {
  for (const drop of transitCollections(migrationId)) {
    const command = destination.db(INTERNAL_DATABASE).command({ drop, writeConcern: MAJORITY });
    await tolerate([NAMESPACE_NOT_FOUND], command);
  }
}

function transitCollections(migrationId: string): readonly [users: string, roles: string] {
  return [`transit.${migrationId}.users`, `transit.${migrationId}.roles`];
}

/** Changes a role in place: dropping it would take it from users of the destination that have it. */
async function updateRole(
  destination: MongoClient,
  { database, name, bytes }: Definition,
  otherwise: Readonly<Record<string, RawValue>> = {},
): Promise<void> {
  const fields: Partial<Record<string, RawValue>> = { ...Object.fromEntries(fieldsOf(bytes)), ...otherwise };
  const { privileges, roles, authenticationRestrictions } = fields;
  await destination.db(database).command({
    updateRole: name,
    privileges: privileges ?? [],
    roles: roles ?? [],
    authenticationRestrictions: authenticationRestrictions ?? [],
    writeConcern: MAJORITY,
  });
}

async function dropUser(destination: MongoClient, database: string, name: string): Promise<void> {
  await tolerate([USER_NOT_FOUND], destination.db(database).command({ dropUser: name, writeConcern: MAJORITY }));
}

async function dropRole(destination: MongoClient, role: MadeAccount): Promise<void> {
  const { database, name } = nameOf(role);
  await tolerate([ROLE_NOT_FOUND], destination.db(database).command({ dropRole: name, writeConcern: MAJORITY }));
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
