import { randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { newId, UserError } from '../platform/index.ts';
import type { Control } from './control.ts';
import type { ApiKey, CredentialVerifiers } from './records.ts';
import type { StoreTransaction } from './store-port.ts';

/** What an operator may fix of the first organization and its API key; the rest is made up. */
export interface BootstrapWishes {
  readonly orgId?: string;
  readonly publicKey?: string;
  readonly privateKey?: string;
}

export interface BootstrapResult {
  readonly orgId: string;
  readonly publicKey: string;
  /** To be shown once; it is not kept. */
  readonly privateKey: string;
}

/**
 * Makes the first organization and an API key that owns it, where the store is empty.
 * @returns null where there is an organization already
 * @throws UserError BOOTSTRAP_MISMATCH when wishes are given and the store has other values
 */
export async function bootstrap(control: Control, wishes: BootstrapWishes): Promise<BootstrapResult | null> {
  const nowMs = control.clock.now();
  const result = {
    orgId: wishes.orgId ?? newId(nowMs),
    publicKey: wishes.publicKey ?? newPublicKey(),
    // Two UUIDs: the shape that Atlas users know, with the 244 random bits that a fast hash needs (ASVS 6.5.2).
    privateKey: wishes.privateKey ?? `${randomUUID()}-${randomUUID()}`,
  };
  const apiKey = newApiKey(control, result, nowMs);
  return control.store.write(async (transaction) => {
    if ((await transaction.organizations()).length > 0) {
      await assertSame(control, transaction, wishes);
      return null;
    }
    await transaction.insertOrganization({ id: result.orgId, name: 'Linkspan', createdAtMs: nowMs });
    await transaction.insertApiKey(apiKey);
    return result;
  });
}

function newApiKey(control: Control, { orgId, publicKey, privateKey }: BootstrapResult, nowMs: number): ApiKey {
  const id = newId(nowMs);
  const verifiers = JSON.stringify(control.verifiersOf(publicKey, privateKey));
  return {
    id,
    orgId,
    publicKey,
    description: 'Made at the first start',
    roles: ['ORG_OWNER'],
    verifiers: control.sealer.seal(verifiers, { table: 'api_keys', id, field: 'verifiers' }),
    createdAtMs: nowMs,
  };
}

async function assertSame(control: Control, store: StoreTransaction, wishes: BootstrapWishes): Promise<void> {
  const { orgId, publicKey, privateKey } = wishes;
  if (orgId !== undefined && !(await store.organization(orgId))) throw new UserError('BOOTSTRAP_MISMATCH');
  if (publicKey === undefined) return;
  const key = await store.apiKey(publicKey);
  if (!key || (orgId !== undefined && key.orgId !== orgId)) throw new UserError('BOOTSTRAP_MISMATCH');
  if (privateKey === undefined) return;
  const place = { table: 'api_keys', id: key.id, field: 'verifiers' };
  const kept: CredentialVerifiers = JSON.parse(control.sealer.open(key.verifiers, place));
  const given = control.verifiersOf(publicKey, privateKey);
  if (!timingSafeEqual(Buffer.from(kept['SHA-256']), Buffer.from(given['SHA-256']))) {
    throw new UserError('BOOTSTRAP_MISMATCH');
  }
}

/** Eight lower-case letters, as Atlas's. */
function newPublicKey(): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join('');
}
