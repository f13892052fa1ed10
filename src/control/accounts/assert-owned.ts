import { UserError } from '../../platform/index.ts';
import type { StoreReader } from '../records/store-port.ts';

/**
 * Keeps an organization from losing everybody who owns it: nobody could bring an owner back.
 * @throws UserError CANNOT_REMOVE_LAST_ORG_OWNER
 */
export async function assertOwned(store: StoreReader, orgId: string): Promise<void> {
  const accounts = [...(await store.apiKeysOf(orgId)), ...(await store.serviceAccountsOf(orgId))];
  if (accounts.some(({ roles }) => roles.includes('ORG_OWNER'))) return;
  throw new UserError('CANNOT_REMOVE_LAST_ORG_OWNER', [orgId]);
}
