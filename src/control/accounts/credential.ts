import { createHash, timingSafeEqual } from 'node:crypto';
import type { Control } from '../ports/control.ts';
import type { ServiceAccount } from '../records/records.ts';
import { findOne, type StoreReader } from '../records/store-port.ts';
import { type Account, findAccount } from './actor.ts';
import { isGoodSecret } from './good-secret.ts';
import { CLIENT_ID_PATTERN, findServiceAccount } from './service-accounts.ts';

/**
 * The secret by which a client has authenticated as an account: the private key of an API key, or one secret of a service account.
 */
export type Credential =
  | { readonly kind: 'API_KEY'; readonly name: string }
  | { readonly kind: 'SERVICE_ACCOUNT'; readonly name: string; readonly secretId: string };

/** An account as the store has it now, and a mark that changes with its secret and its roles in the organization. */
export interface Standing {
  readonly account: Account;
  /** SHA-256, so that it is worth nothing to a reader of the memory. */
  readonly mark: string;
}

/** The credential with this name and secret; undefined if they are wrong. Takes the same time whether or not the name exists. */
export async function findCredential(control: Control, name: string, secret: string): Promise<Credential | undefined> {
  if (CLIENT_ID_PATTERN.test(name)) {
    const found = await findServiceAccount(control, name, secret);
    return found && { kind: 'SERVICE_ACCOUNT', name, secretId: found.secretId };
  }
  const given = Buffer.from(control.verifiersOf(name, secret)['SHA-256']);
  const account = await findAccount(control, name);
  const kept = Buffer.from(account?.secrets['SHA-256'] ?? '0'.repeat(given.length));
  const isRight = kept.length === given.length && timingSafeEqual(kept, given);
  return account && isRight ? { kind: 'API_KEY', name } : undefined;
}

/** The account of a credential as it is now; undefined if the account or its secret was deleted, or the secret has expired. */
export async function standingOf(control: Control, credential: Credential): Promise<Standing | undefined> {
  return credential.kind === 'API_KEY'
    ? await standingOfKey(control, credential.name)
    : await standingOfSecret(control, credential.name, credential.secretId);
}

async function standingOfKey(control: Control, publicKey: string): Promise<Standing | undefined> {
  const key = await findOne(control.store, 'apiKeys', { publicKey });
  const account = key && (await findAccount(control, publicKey));
  if (!account) return undefined;
  const { secrets, ...shown } = account;
  return { account: shown, mark: markOf(key.id, secrets['SHA-256'], shown.actor) };
}

async function standingOfSecret(
  { store, clock }: Control,
  clientId: string,
  secretId: string,
): Promise<Standing | undefined> {
  const find = async (from: StoreReader) => {
    const found = await findOne(from, 'serviceAccounts', { clientId });
    const secret = found?.secrets.find(({ id }) => id === secretId);
    return found && secret && isGoodSecret(secret, clock.now()) ? { found, secret } : undefined;
  };
  const now = await find(store);
  if (!now) return undefined;
  const { id, orgId, roles, groupRoles, accessList } = now.found;
  const actor = { kind: 'SERVICE_ACCOUNT', name: clientId, orgId, roles, groupRoles } as const;
  const rightsNow = async (from: StoreReader): Promise<ServiceAccount | undefined> => (await find(from))?.found;
  return { account: { actor, accessList, rightsNow }, mark: markOf(id, now.secret.hash, actor) };
}

/** Without the roles in projects: an account that makes a project gets one, and stays the same account. */
function markOf(id: string, secret: string, { roles }: Account['actor']): string {
  return createHash('sha256')
    .update(JSON.stringify([id, secret, roles]))
    .digest('base64url');
}
