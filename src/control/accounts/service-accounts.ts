import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId, UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountNamed, accountsOf } from '../records/queries.ts';
import type { AccessListEntry, ServiceAccount, ServiceAccountSecret } from '../records/records.ts';
import type { StoreReader, StoreTransaction } from '../records/store-port.ts';
import { authorizeOrganization } from './actor.ts';
import { assertOwned } from './assert-owned.ts';
import { isGoodSecret } from './good-secret.ts';

/** Atlas's form of a client id, 34 characters. */
export const CLIENT_ID_PATTERN = /^mdb_sa_id_[a-fA-F\d]{24}$/;
const SECRET_BYTES = 32;
/** How many characters of a secret are shown later. */
const SHOWN_LENGTH = 4;
/** Maximum number of valid secrets, as in Atlas: the current one and its successor. */
const MAX_SECRETS = 2;
/** Maximum number of accounts of an organization; far more than programs need. */
const MOST_ACCOUNTS = 500;
const MS_PER_HOUR = 3_600_000;

export type ServiceAccountRequest = Pick<ServiceAccount, 'title' | 'description' | 'roles'> & {
  readonly secretExpiresAfterHours: number;
};

/** A secret that is shown once and never stored. */
export interface MadeSecret {
  readonly record: ServiceAccountSecret;
  readonly secret: string;
}

export interface MadeServiceAccount {
  readonly account: ServiceAccount;
  readonly made: MadeSecret;
}

/** Creates an account with its first secret, without storing it. */
export function newServiceAccount(orgId: string, request: ServiceAccountRequest, nowMs: number): MadeServiceAccount {
  const { title, description, roles, secretExpiresAfterHours } = request;
  const made = newSecret(secretExpiresAfterHours, nowMs);
  const id = newId(nowMs);
  const account: ServiceAccount = {
    kind: 'SERVICE_ACCOUNT',
    id,
    orgId,
    name: `mdb_sa_id_${id}`,
    title,
    description,
    roles,
    groupRoles: [],
    secrets: [made.record],
    verifiers: null,
    privateKeyEnd: null,
    accessList: [],
    createdAtMs: nowMs,
  };
  return { account, made };
}

/**
 * Creates an account with credentials that an operator chose. It owns its organization.
 * @param secret  must be long and random, because only a fast hash protects it
 */
export function givenServiceAccount(
  { orgId, clientId, secret }: { readonly orgId: string; readonly clientId: string; readonly secret: string },
  accessList: readonly AccessListEntry[],
  nowMs: number,
): ServiceAccount {
  return {
    kind: 'SERVICE_ACCOUNT',
    id: newId(nowMs),
    orgId,
    name: clientId,
    title: 'Created at a server start',
    description: '',
    roles: ['ORG_OWNER'],
    groupRoles: [],
    secrets: [{ id: newId(nowMs), hash: hashOf(secret), end: null, createdAtMs: nowMs, expiresAtMs: null }],
    verifiers: null,
    privateKeyEnd: null,
    accessList,
    createdAtMs: nowMs,
  };
}

/** @throws UserError SERVICE_ACCOUNT_LIMIT, and as {@link authorizeOrganization} */
export async function createServiceAccount(
  control: Control,
  actor: Actor,
  orgId: string,
  request: ServiceAccountRequest,
): Promise<MadeServiceAccount> {
  const nowMs = control.clock.now();
  const made = newServiceAccount(orgId, request, nowMs);
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const { length } = await accountsOf(transaction, orgId, 'SERVICE_ACCOUNT');
    if (length >= MOST_ACCOUNTS) throw new UserError('SERVICE_ACCOUNT_LIMIT', [orgId, String(MOST_ACCOUNTS)]);
    await transaction.insert('accounts', made.account);
    const details = { clientId: made.account.name, roles: request.roles };
    await audit(transaction, actor, nowMs, { eventTypeName: 'SERVICE_ACCOUNT_CREATED', orgId, details });
    return made;
  });
}

/** @throws UserError as {@link authorizeOrganization} */
export async function listServiceAccounts({ store }: Control, actor: Actor, orgId: string): Promise<ServiceAccount[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_READ_ONLY');
  return await accountsOf(store, orgId, 'SERVICE_ACCOUNT');
}

/** @throws UserError SERVICE_ACCOUNT_NOT_FOUND, and as {@link authorizeOrganization} */
export async function getServiceAccount(
  { store }: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
): Promise<ServiceAccount> {
  await authorizeOrganization(store, actor, orgId, 'ORG_READ_ONLY');
  return await findIn(store, orgId, clientId);
}

/** @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER, and as {@link getServiceAccount} */
export async function updateServiceAccount(
  control: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
  changes: Partial<Pick<ServiceAccount, 'title' | 'description' | 'roles'>>,
): Promise<ServiceAccount> {
  return await change(control, actor, orgId, clientId, async (account, transaction) => {
    const changed = { ...account, ...changes };
    await transaction.update('accounts', changed);
    await assertOwned(transaction, account, changed, control.clock.now());
    return { result: changed, eventTypeName: 'SERVICE_ACCOUNT_DETAILS_CHANGED', details: { roles: changed.roles } };
  });
}

/** Deletes an account, which also revokes its access tokens. @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER, and as {@link getServiceAccount} */
export async function deleteServiceAccount(
  control: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
): Promise<void> {
  await change(control, actor, orgId, clientId, async (account, transaction) => {
    await transaction.delete('accounts', { id: account.id });
    await assertOwned(transaction, account, undefined, control.clock.now());
    return { result: undefined, eventTypeName: 'SERVICE_ACCOUNT_DELETED', details: {} };
  });
}

/** @throws UserError SERVICE_ACCOUNT_SECRET_LIMIT, and as {@link getServiceAccount} */
export async function addSecret(
  control: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
  expiresAfterHours: number,
): Promise<MadeSecret> {
  const nowMs = control.clock.now();
  const made = newSecret(expiresAfterHours, nowMs);
  return await change(control, actor, orgId, clientId, async (account, transaction) => {
    const good = account.secrets.filter((secret) => isGoodSecret(secret, nowMs));
    if (good.length >= MAX_SECRETS) throw new UserError('SERVICE_ACCOUNT_SECRET_LIMIT', [clientId, `${MAX_SECRETS}`]);
    await transaction.update('accounts', { ...account, secrets: [...good, made.record] });
    const details = { secretId: made.record.id };
    return { result: made, eventTypeName: 'SERVICE_ACCOUNT_SECRET_ADDED', details };
  });
}

/** @throws UserError SERVICE_ACCOUNT_SECRET_NOT_FOUND, CANNOT_REMOVE_LAST_ORG_OWNER, and as {@link getServiceAccount} */
export async function deleteSecret(
  control: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
  secretId: string,
): Promise<void> {
  await change(control, actor, orgId, clientId, async (account, transaction) => {
    const secrets = account.secrets.filter(({ id }) => id !== secretId);
    if (secrets.length === account.secrets.length) {
      throw new UserError('SERVICE_ACCOUNT_SECRET_NOT_FOUND', [secretId, clientId]);
    }
    const changed = { ...account, secrets };
    await transaction.update('accounts', changed);
    // rule: assert-owned-after-secrets
    await assertOwned(transaction, account, changed, control.clock.now());
    return { result: undefined, eventTypeName: 'SERVICE_ACCOUNT_SECRET_DELETED', details: { secretId } };
  });
}

/** One secret of a service account. */
export interface ClientCredential {
  readonly kind: 'SERVICE_ACCOUNT';
  readonly name: string;
  readonly secretId: string;
}

/** An authenticated service account, and the secret that it used. */
export interface AuthenticatedClient {
  readonly account: ServiceAccount;
  readonly credential: ClientCredential;
}

/** The service account with these credentials; undefined if there is none. */
export async function findServiceAccount(
  { store, clock }: Control,
  clientId: string,
  secret: string,
): Promise<AuthenticatedClient | undefined> {
  const account = await accountNamed(store, 'SERVICE_ACCOUNT', clientId);
  const secretId = findSecret(account, secret, clock.now());
  if (!account || secretId === undefined) return undefined;
  return { account, credential: { kind: 'SERVICE_ACCOUNT', name: clientId, secretId } };
}

/** The id of the account's valid secret that equals `secret`. Takes the same time whether or not the account exists. */
export function findSecret(account: ServiceAccount | undefined, secret: string, nowMs: number): string | undefined {
  const good = account?.secrets.filter((each) => isGoodSecret(each, nowMs)) ?? [];
  const hashes = [...good.map(({ hash }) => hash), ...Array<string>(MAX_SECRETS).fill(hashOf(''))].slice(
    0,
    MAX_SECRETS,
  );
  const given = Buffer.from(hashOf(secret));
  const equal = hashes.map((hash) => timingSafeEqual(Buffer.from(hash), given));
  return good[equal.indexOf(true)]?.id;
}

/** @throws UserError SERVICE_ACCOUNT_NOT_FOUND */
export async function findIn(store: StoreReader, orgId: string, clientId: string): Promise<ServiceAccount> {
  const account = await accountNamed(store, 'SERVICE_ACCOUNT', clientId);
  if (account?.orgId !== orgId) throw new UserError('SERVICE_ACCOUNT_NOT_FOUND', [clientId]);
  return account;
}

async function change<T>(
  control: Control,
  actor: Actor,
  orgId: string,
  clientId: string,
  work: (
    account: ServiceAccount,
    transaction: StoreTransaction,
  ) => Promise<{ result: T; eventTypeName: string; details: Record<string, string | readonly string[]> }>,
): Promise<T> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const account = await findIn(transaction, orgId, clientId);
    const { result, eventTypeName, details } = await work(account, transaction);
    await audit(transaction, actor, nowMs, { eventTypeName, orgId, details: { clientId, ...details } });
    return result;
  });
}

function newSecret(expiresAfterHours: number, nowMs: number): MadeSecret {
  const secret = `mdb_sa_sk_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const expiresAtMs = nowMs + expiresAfterHours * MS_PER_HOUR;
  const end = secret.slice(-SHOWN_LENGTH);
  return { record: { id: newId(nowMs), hash: hashOf(secret), end, createdAtMs: nowMs, expiresAtMs }, secret };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
