import { timingSafeEqual } from 'node:crypto';
import { newId, UserError } from '../../platform/index.ts';
import { newPrivateKey, newPublicKey, verifiersPlace } from '../accounts/api-keys.ts';
import { findSecret, givenServiceAccount } from '../accounts/service-accounts.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { accountNamed, accountsOf, findOrganizations } from '../records/queries.ts';
import type { AccessListEntry, ApiKey, CredentialVerifiers } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** Values that an operator may choose for the first organization and its API key; the server generates the others. */
export interface BootstrapOptions {
  readonly orgId?: string;
  readonly publicKey?: string;
  readonly privateKey?: string;
  /** Addresses and blocks from which the API key and the service account may be used; by default any. */
  readonly accessList?: readonly string[];
  /** A service account of the organization; a later start may add it, too. */
  readonly serviceAccount?: { readonly clientId: string; readonly secret: string };
}

export interface BootstrapResult {
  readonly orgId: string;
  readonly publicKey: string;
  /** Shown once and never stored. */
  readonly privateKey: string;
}

/**
 * Creates the first organization and an API key that owns it, if the store is empty, and the requested service account.
 * @returns null if an organization already exists
 * @throws UserError BOOTSTRAP_MISMATCH when the store has other values than the operator chose
 */
export async function bootstrap(control: Control, options: BootstrapOptions): Promise<BootstrapResult | null> {
  const nowMs = control.clock.now();
  const result = {
    orgId: options.orgId ?? newId(nowMs),
    publicKey: options.publicKey ?? newPublicKey(),
    privateKey: options.privateKey ?? newPrivateKey(),
  };
  const accessList = (options.accessList ?? []).map((address) => ({ address, createdAtMs: nowMs }));
  const apiKey = newApiKey(control, result, accessList, nowMs);
  return control.store.write(async (transaction) => {
    const [existing] = await findOrganizations(transaction);
    if (existing) {
      await assertSame(control, transaction, options);
    } else {
      const { orgId } = result;
      const organization = {
        id: orgId,
        name: 'Linkspan',
        accessListRequired: false,
        creatorId: null,
        createdAtMs: nowMs,
        deletedAtMs: null,
      };
      await transaction.insert('organizations', organization);
      await transaction.insert('accounts', apiKey);
      const details = { name: organization.name, targetPublicKey: result.publicKey };
      await audit(transaction, SYSTEM, nowMs, { eventTypeName: 'ORG_CREATED', orgId, details });
    }
    if (options.serviceAccount) {
      const orgId = options.orgId ?? existing?.id ?? result.orgId;
      await keepServiceAccount(transaction, { orgId, ...options.serviceAccount }, accessList, nowMs);
    }
    return existing ? null : result;
  });
}

/** Creates the service account unless it exists. */
async function keepServiceAccount(
  transaction: StoreTransaction,
  credentials: { readonly orgId: string; readonly clientId: string; readonly secret: string },
  accessList: readonly AccessListEntry[],
  nowMs: number,
): Promise<void> {
  const { orgId, clientId, secret } = credentials;
  const known = await accountNamed(transaction, 'SERVICE_ACCOUNT', clientId);
  if (!known) {
    await transaction.insert('accounts', givenServiceAccount(credentials, accessList, nowMs));
    await audit(transaction, SYSTEM, nowMs, { eventTypeName: 'SERVICE_ACCOUNT_CREATED', orgId, details: { clientId } });
    return;
  }
  const same = findSecret(known, secret, nowMs) !== undefined && isSameList(known.accessList, accessList);
  if (!same || known.orgId !== orgId) throw new UserError('BOOTSTRAP_MISMATCH');
}

function isSameList(left: readonly AccessListEntry[], right: readonly { readonly address: string }[]): boolean {
  const addresses = (list: typeof right) => JSON.stringify(list.map(({ address }) => address));
  return addresses(left) === addresses(right);
}

function newApiKey(
  control: Control,
  { orgId, publicKey, privateKey }: BootstrapResult,
  accessList: readonly AccessListEntry[],
  nowMs: number,
): ApiKey {
  const id = newId(nowMs);
  const verifiers = JSON.stringify(control.verifiersOf(publicKey, privateKey));
  return {
    id,
    orgId,
    kind: 'API_KEY',
    name: publicKey,
    description: 'Created at the first start',
    roles: ['ORG_OWNER'],
    groupRoles: [],
    verifiers: control.sealer.seal(verifiers, verifiersPlace(id)),
    // A key that the operator chose may be short, so its end would reveal too much of it.
    privateKeyEnd: null,
    title: null,
    secrets: null,
    accessList,
    createdAtMs: nowMs,
  };
}

async function assertSame(control: Control, store: StoreTransaction, options: BootstrapOptions): Promise<void> {
  const { orgId, publicKey, privateKey, accessList, serviceAccount } = options;
  if (orgId !== undefined && !(await store.get('organizations', orgId))) throw new UserError('BOOTSTRAP_MISMATCH');
  // The access list of a service account is compared with the account. Its organization may have other keys, or none.
  // rule: bootstrap-past-access-list
  if (accessList !== undefined && (publicKey !== undefined || serviceAccount === undefined)) {
    const [first] = await accountsOf(store, orgId ?? (await findOrganizations(store))[0]?.id ?? '', 'API_KEY');
    if (
      !first ||
      !isSameList(
        first.accessList,
        accessList.map((address) => ({ address })),
      )
    )
      throw new UserError('BOOTSTRAP_MISMATCH');
  }
  if (publicKey === undefined) return;
  const key = await accountNamed(store, 'API_KEY', publicKey);
  if (!key || (orgId !== undefined && key.orgId !== orgId)) throw new UserError('BOOTSTRAP_MISMATCH');
  if (privateKey === undefined) return;
  const kept: CredentialVerifiers = JSON.parse(control.sealer.open(key.verifiers, verifiersPlace(key.id)));
  const given = control.verifiersOf(publicKey, privateKey);
  if (!timingSafeEqual(Buffer.from(kept['SHA-256']), Buffer.from(given['SHA-256']))) {
    throw new UserError('BOOTSTRAP_MISMATCH');
  }
}
