import { UserError } from '../../platform/index.ts';
import type { StoreReader } from '../records/store-port.ts';

/**
 * Checks that an organization still has an owner, because nobody could add one later.
 * @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER
 */
export async function assertOwned(store: StoreReader, orgId: string): Promise<void> {
  const accounts = [...(await store.apiKeysOf(orgId)), ...(await store.serviceAccountsOf(orgId))];
  if (accounts.some(({ roles }) => roles.includes('ORG_OWNER'))) return;
  throw new UserError('CANNOT_REMOVE_LAST_ORG_OWNER', [orgId]);
}
