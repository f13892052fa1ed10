import { createHash, timingSafeEqual } from 'node:crypto';
import { newId } from '../platform/index.ts';
import type { Control } from './control.ts';
import type { ServiceAccount } from './records.ts';

/** Atlas's form of a client id, 34 characters. */
export const CLIENT_ID_PATTERN = /^mdb_sa_id_[a-fA-F\d]{24}$/;

/**
 * The record of a new service account that owns its organization.
 * @param secret  made by a machine, and long: only a fast hash of it is kept
 */
export function newServiceAccount(
  { orgId, clientId, secret }: { readonly orgId: string; readonly clientId: string; readonly secret: string },
  accessList: readonly string[],
  nowMs: number,
): ServiceAccount {
  const name = 'Made at a start of the server';
  const secretHash = hashOf(secret).toString('base64url');
  return { id: newId(nowMs), orgId, clientId, name, roles: ['ORG_OWNER'], secretHash, accessList, createdAtMs: nowMs };
}

/** The service account with these credentials; undefined where there is none. */
export async function findServiceAccount(
  { store }: Control,
  clientId: string,
  secret: string,
): Promise<ServiceAccount | undefined> {
  const account = await store.serviceAccount(clientId);
  return hasSecret(account, secret) ? account : undefined;
}

/** Takes the same time whether there is such an account or not. */
export function hasSecret(account: ServiceAccount | undefined, secret: string): boolean {
  const kept = account ? Buffer.from(account.secretHash, 'base64url') : hashOf('');
  return timingSafeEqual(kept, hashOf(secret)) && account !== undefined;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
