import { UserError } from '../../platform/index.ts';
import type { Account } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import { isGoodSecret } from './good-secret.ts';

/**
 * Checks that a change that removes an owner leaves its organization another one that can sign in, because no one could add one
 * later. A service account without a secret that works can't sign in. Other changes pass: an owner whose last secret has expired
 * still sends them with its access token.
 * @param store  as it is after the change
 * @param after  the changed account; undefined if it was deleted
 * @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER
 */
export async function assertOwned(
  store: StoreReader,
  before: Account,
  after: Account | undefined,
  nowMs: number,
): Promise<void> {
  // rule: allow-harmless-changes
  if (!removesOwner(before, after, nowMs)) return;
  const { orgId } = before;
  if ((await ownersOf(store, orgId)).some((account) => canSignIn(account, nowMs))) return;
  throw new UserError('CANNOT_REMOVE_LAST_ORG_OWNER', [orgId]);
}

// rule: token-is-not-ownership
function removesOwner(before: Account, after: Account | undefined, nowMs: number): boolean {
  if (!isOwner(before)) return false;
  if (after === undefined || !isOwner(after)) return true;
  return canSignIn(before, nowMs) && !canSignIn(after, nowMs);
}

/** Returns the owners of an organization, without those whose requests it refuses because they have no access list. */
export async function ownersOf(store: StoreReader, orgId: string): Promise<Account[]> {
  const isRequired = (await store.get('organizations', orgId))?.accessListRequired ?? false;
  const accounts = await store.find('accounts', { orgId });
  return accounts.filter((account) => isOwner(account) && !(isRequired && account.accessList.length === 0));
}

function isOwner({ roles }: Account): boolean {
  return roles.includes('ORG_OWNER');
}

function canSignIn(account: Account, nowMs: number): boolean {
  // rule: owner-needs-secret
  return account.kind === 'API_KEY' || account.secrets.some((secret) => isGoodSecret(secret, nowMs));
}
