import { UserError } from '../../platform/index.ts';
import type { StoreReader } from '../records/store-port.ts';
import { isGoodSecret } from './good-secret.ts';

/**
 * Checks that an organization still has an owner that can sign in, because nobody could add one later. A service account without a secret
 * that works is none.
 * @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER
 */
export async function assertOwned(store: StoreReader, orgId: string, nowMs: number): Promise<void> {
  const accounts = await store.serviceAccountsOf(orgId);
  const usable = accounts.filter(({ secrets }) => secrets.some((secret) => isGoodSecret(secret, nowMs)));
  const owners = [...(await store.apiKeysOf(orgId)), ...usable];
  if (owners.some(({ roles }) => roles.includes('ORG_OWNER'))) return;
  throw new UserError('CANNOT_REMOVE_LAST_ORG_OWNER', [orgId]);
}
