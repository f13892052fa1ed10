import type { StoreReader } from '../records/store-port.ts';
import { isOwner } from './assert-owned.ts';

/**
 * Returns when the last secret of the owners of an organization expires, so that nobody can administer it any more. Null while one
 * owner is an API key, or has a secret that does not expire.
 */
export async function ownersExpireAtMs(store: StoreReader, orgId: string): Promise<number | null> {
  if ((await store.apiKeysOf(orgId)).some(isOwner)) return null;
  const secrets = (await store.serviceAccountsOf(orgId)).filter(isOwner).flatMap((account) => account.secrets);
  const lastMs = Math.max(0, ...secrets.map(({ expiresAtMs }) => expiresAtMs ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(lastMs) ? lastMs : null;
}
