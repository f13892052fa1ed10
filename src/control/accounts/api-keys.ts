import { randomInt, randomUUID } from 'node:crypto';
import { newId, UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountNamed, accountsOf } from '../records/queries.ts';
import type { ApiKey } from '../records/records.ts';
import type { OrganizationRole } from '../records/roles.ts';
import type { SealedPlace } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';
import { authorizeOrganization } from './actor.ts';
import { assertOwned } from './assert-owned.ts';

/** The attributes of a key that a client chooses. */
export type ApiKeyRequest = Pick<ApiKey, 'orgId' | 'description' | 'roles' | 'groupRoles'>;

/** A key with its private key, which is shown once and never stored. */
export interface MadeApiKey {
  readonly key: ApiKey;
  readonly privateKey: string;
}

/** How many characters of a private key are shown later, as in Atlas. */
const SHOWN_LENGTH = 12;
/** Maximum number of keys of an organization; far more than users and programs need. */
const MOST_KEYS = 500;

/** Creates a key without storing it. Call this in the transaction that stores it, so that a rotation of the master key can't miss it. */
export function newApiKey(control: Control, request: ApiKeyRequest, nowMs: number): MadeApiKey {
  const publicKey = newPublicKey();
  const privateKey = newPrivateKey();
  const id = newId(nowMs);
  const verifiers = JSON.stringify(control.verifiersOf(publicKey, privateKey));
  const key: ApiKey = {
    ...request,
    kind: 'API_KEY',
    id,
    name: publicKey,
    verifiers: control.sealer.seal(verifiers, verifiersPlace(id)),
    privateKeyEnd: privateKey.slice(-SHOWN_LENGTH),
    title: null,
    secrets: null,
    accessList: [],
    createdAtMs: nowMs,
  };
  return { key, privateKey };
}

/** The place of a key's sealed verifiers. */
export function verifiersPlace(id: string): SealedPlace {
  return { kind: 'accounts', id, field: 'verifiers' };
}

/** @throws UserError as {@link authorizeOrganization} */
export async function createApiKey(
  control: Control,
  actor: Actor,
  orgId: string,
  description: string,
  roles: readonly OrganizationRole[],
): Promise<MadeApiKey> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    await assertRoomForKey(transaction, orgId);
    const made = newApiKey(control, { orgId, description, roles, groupRoles: [] }, nowMs);
    await transaction.insert('accounts', made.key);
    const details = { targetPublicKey: made.key.name, roles };
    await audit(transaction, actor, nowMs, { eventTypeName: 'API_KEY_CREATED', orgId, details });
    return made;
  });
}

/** Limits the number of keys, because each change of a key reads all of them. @throws UserError API_KEY_LIMIT */
export async function assertRoomForKey(store: StoreReader, orgId: string): Promise<void> {
  const { length } = await accountsOf(store, orgId, 'API_KEY');
  if (length >= MOST_KEYS) throw new UserError('API_KEY_LIMIT', [orgId, String(MOST_KEYS)]);
}

/** @throws UserError as {@link authorizeOrganization} */
export async function listApiKeys({ store }: Control, actor: Actor, orgId: string): Promise<ApiKey[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  return await accountsOf(store, orgId, 'API_KEY');
}

/** @throws UserError API_KEY_NOT_FOUND, and as {@link authorizeOrganization} */
export async function getApiKey({ store }: Control, actor: Actor, orgId: string, id: string): Promise<ApiKey> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  return await findApiKey(store, orgId, id);
}

/** @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER, and as {@link getApiKey} */
export async function updateApiKey(
  control: Control,
  actor: Actor,
  orgId: string,
  id: string,
  changes: Partial<Pick<ApiKey, 'description' | 'roles'>>,
): Promise<ApiKey> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const before = await findApiKey(transaction, orgId, id);
    const key: ApiKey = { ...before, ...changes };
    await transaction.update('accounts', key);
    await assertOwned(transaction, before, key, nowMs);
    const details = { targetPublicKey: key.name, roles: key.roles };
    const eventTypeName = changes.roles ? 'API_KEY_ROLES_CHANGED' : 'API_KEY_DESCRIPTION_CHANGED';
    await audit(transaction, actor, nowMs, { eventTypeName, orgId, details });
    return key;
  });
}

/** @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER, and as {@link getApiKey} */
export async function deleteApiKey(control: Control, actor: Actor, orgId: string, id: string): Promise<void> {
  const nowMs = control.clock.now();
  await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const key = await findApiKey(transaction, orgId, id);
    await transaction.delete('accounts', { id });
    await assertOwned(transaction, key, undefined, nowMs);
    const details = { targetPublicKey: key.name };
    await audit(transaction, actor, nowMs, { eventTypeName: 'API_KEY_DELETED', orgId, details });
  });
}

/** The API key of the actor; null if the actor is a service account. */
export async function findOwnApiKey({ store }: Control, { kind, name }: Actor): Promise<ApiKey | null> {
  return kind === 'API_KEY' ? ((await accountNamed(store, 'API_KEY', name)) ?? null) : null;
}

/** @throws UserError API_KEY_NOT_FOUND */
export async function findApiKey(store: StoreReader, orgId: string, id: string): Promise<ApiKey> {
  const key = (await accountsOf(store, orgId, 'API_KEY')).find((each) => each.id === id);
  if (!key) throw new UserError('API_KEY_NOT_FOUND', [id]);
  return key;
}

/** Two UUIDs: similar to Atlas's form, with 244 random bits, enough for a fast hash (ASVS 6.5.2). */
export function newPrivateKey(): string {
  return `${randomUUID()}-${randomUUID()}`;
}

/** Eight lower-case letters, as in Atlas. */
export function newPublicKey(): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join('');
}
