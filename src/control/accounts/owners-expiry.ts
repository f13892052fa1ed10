import type { StoreReader } from '../records/store-port.ts';
import { ownersOf } from './assert-owned.ts';

/**
 * Returns when the last secret of the owners of an organization expires, so that no one can administer it any more. Null while one
 * owner is an API key, or has a secret that does not expire.
 */
export async function ownersExpireAtMs(store: StoreReader, orgId: string): Promise<number | null> {
  const ends = (await ownersOf(store, orgId)).flatMap((owner) =>
    owner.kind === 'API_KEY' ? [null] : owner.secrets.map(({ expiresAtMs }) => expiresAtMs),
  );
  const lastMs = Math.max(0, ...ends.map((endMs) => endMs ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(lastMs) ? lastMs : null;
}
