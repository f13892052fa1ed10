import { createHash, timingSafeEqual } from 'node:crypto';
import type { Control } from '../ports/control.ts';
import { accountNamed } from '../records/queries.ts';
import type { Account } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import { findAccount } from './actor.ts';
import type { Caller } from './caller.ts';
import { isGoodSecret } from './good-secret.ts';
import { CLIENT_ID_PATTERN, type ClientCredential, findServiceAccount } from './service-accounts.ts';

/**
 * The secret by which a client has authenticated as an account: the private key of an API key, or one secret of a service account.
 */
export type Credential = { readonly kind: 'API_KEY'; readonly name: string } | ClientCredential;

/** A caller as the store has it now, and a mark that changes with its secret and its roles in the organization. */
export interface Standing extends Caller {
  /** SHA-256, so that it is worth nothing to a reader of the memory. */
  readonly mark: string;
}

/** The credential with this name and secret; undefined if they are wrong. Takes the same time whether or not the name exists. */
export async function findCredential(control: Control, name: string, secret: string): Promise<Credential | undefined> {
  if (CLIENT_ID_PATTERN.test(name)) return (await findServiceAccount(control, name, secret))?.credential;
  const given = Buffer.from(control.verifiersOf(name, secret)['SHA-256']);
  const caller = await findAccount(control, name);
  const kept = Buffer.from(caller?.secrets['SHA-256'] ?? '0'.repeat(given.length));
  const isRight = kept.length === given.length && timingSafeEqual(kept, given);
  return caller && isRight ? { kind: 'API_KEY', name } : undefined;
}

/** The caller with a credential as it is now; undefined if the account or its secret was deleted, or the secret has expired. */
export async function standingOf(control: Control, credential: Credential): Promise<Standing | undefined> {
  return credential.kind === 'API_KEY'
    ? await standingOfKey(control, credential.name)
    : await standingOfSecret(control, credential);
}

async function standingOfKey(control: Control, publicKey: string): Promise<Standing | undefined> {
  const key = await accountNamed(control.store, 'API_KEY', publicKey);
  const found = key && (await findAccount(control, publicKey));
  if (!found) return undefined;
  const { secrets, ...caller } = found;
  return { ...caller, mark: markOf(key.id, secrets['SHA-256'], caller.account) };
}

async function standingOfSecret(
  { store, clock }: Control,
  { name, secretId }: ClientCredential,
): Promise<Standing | undefined> {
  const find = async (from: StoreReader) => {
    const account = await accountNamed(from, 'SERVICE_ACCOUNT', name);
    const secret = account?.secrets.find(({ id }) => id === secretId);
    return account && secret && isGoodSecret(secret, clock.now()) ? { account, secret } : undefined;
  };
  const now = await find(store);
  if (!now) return undefined;
  const { account, secret } = now;
  const accountNow = async (from: StoreReader) => (await find(from))?.account;
  return { account, accountNow, mark: markOf(account.id, secret.hash, account) };
}

/** Without the roles in projects: an account that makes a project gets one, and stays the same account. */
function markOf(id: string, secret: string, { roles }: Account): string {
  return createHash('sha256')
    .update(JSON.stringify([id, secret, roles]))
    .digest('base64url');
}
