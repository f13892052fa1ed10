import { randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import { newId, UserError } from '../platform/index.ts';
import type { Control } from './control.ts';
import type { ApiKey, CredentialVerifiers } from './records.ts';
import { hasSecret, newServiceAccount } from './service-accounts.ts';
import type { StoreTransaction } from './store-port.ts';

/** What an operator may fix of the first organization and its API key; the rest is made up. */
export interface BootstrapWishes {
  readonly orgId?: string;
  readonly publicKey?: string;
  readonly privateKey?: string;
  /** Addresses and blocks from which the API key and the service account may be used; any by default. */
  readonly accessList?: readonly string[];
  /** A service account of the organization; it may come with a later start too. */
  readonly serviceAccount?: { readonly clientId: string; readonly secret: string };
}

export interface BootstrapResult {
  readonly orgId: string;
  readonly publicKey: string;
  /** To be shown once; it is not kept. */
  readonly privateKey: string;
}

/**
 * Makes the first organization and an API key that owns it, where the store is empty; and the service account that is wished for.
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
  const accessList = wishes.accessList ?? [];
  const apiKey = newApiKey(control, result, accessList, nowMs);
  return control.store.write(async (transaction) => {
    const [existing] = await transaction.organizations();
    if (existing) {
      await assertSame(control, transaction, wishes);
    } else {
      await transaction.insertOrganization({ id: result.orgId, name: 'Linkspan', createdAtMs: nowMs });
      await transaction.insertApiKey(apiKey);
    }
    if (wishes.serviceAccount) {
      const orgId = wishes.orgId ?? existing?.id ?? result.orgId;
      await keepServiceAccount(transaction, { orgId, ...wishes.serviceAccount }, accessList, nowMs);
    }
    return existing ? null : result;
  });
}

/** Makes the service account unless it is there. */
async function keepServiceAccount(
  transaction: StoreTransaction,
  credentials: { readonly orgId: string; readonly clientId: string; readonly secret: string },
  accessList: readonly string[],
  nowMs: number,
): Promise<void> {
  const known = await transaction.serviceAccount(credentials.clientId);
  if (!known) {
    await transaction.insertServiceAccount(newServiceAccount(credentials, accessList, nowMs));
    return;
  }
  const same = hasSecret(known, credentials.secret) && isSameList(known.accessList, accessList);
  if (!same || known.orgId !== credentials.orgId) throw new UserError('BOOTSTRAP_MISMATCH');
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function newApiKey(
  control: Control,
  { orgId, publicKey, privateKey }: BootstrapResult,
  accessList: readonly string[],
  nowMs: number,
): ApiKey {
  const id = newId(nowMs);
  const verifiers = JSON.stringify(control.verifiersOf(publicKey, privateKey));
  return {
    id,
    orgId,
    publicKey,
    description: 'Made at the first start',
    roles: ['ORG_OWNER'],
    verifiers: control.sealer.seal(verifiers, { table: 'api_keys', id, field: 'verifiers' }),
    accessList,
    createdAtMs: nowMs,
  };
}

async function assertSame(control: Control, store: StoreTransaction, wishes: BootstrapWishes): Promise<void> {
  const { orgId, publicKey, privateKey, accessList } = wishes;
  if (orgId !== undefined && !(await store.organization(orgId))) throw new UserError('BOOTSTRAP_MISMATCH');
  if (accessList !== undefined) {
    const [first] = await store.apiKeysOf(orgId ?? (await store.organizations())[0]?.id ?? '');
    if (!first || !isSameList(first.accessList, accessList)) throw new UserError('BOOTSTRAP_MISMATCH');
  }
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
