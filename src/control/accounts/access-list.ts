import { UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { AccessListEntry, Account } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import { authorizeOrganization } from './actor.ts';
import { findApiKey } from './api-keys.ts';
import { findIn } from './service-accounts.ts';

/** Maximum number of entries of a list, because each request of its owner is compared with all of them. */
export const MOST_ENTRIES = 200;

/** The owner of an access list: an API key by its id, or a service account by its client id. */
export type ListOwner = { readonly orgId: string } & (
  | { readonly apiKeyId: string; readonly clientId?: undefined }
  | { readonly clientId: string; readonly apiKeyId?: undefined }
);

/** @throws UserError API_KEY_NOT_FOUND, SERVICE_ACCOUNT_NOT_FOUND, and as {@link authorizeOrganization} */
export async function listAccessList(
  { store }: Control,
  actor: Actor,
  owner: ListOwner,
): Promise<readonly AccessListEntry[]> {
  await authorizeOrganization(store, actor, owner.orgId, owner.clientId === undefined ? 'ORG_MEMBER' : 'ORG_READ_ONLY');
  return (await ownerOf(store, owner)).accessList;
}

/** @throws UserError ACCESS_LIST_ENTRY_NOT_FOUND, and as {@link listAccessList} */
export async function getAccessListEntry(
  control: Control,
  actor: Actor,
  owner: ListOwner,
  address: string,
): Promise<AccessListEntry> {
  const entry = (await listAccessList(control, actor, owner)).find((each) => isSame(each.address, address));
  if (!entry) throw new UserError('ACCESS_LIST_ENTRY_NOT_FOUND', [address]);
  return entry;
}

/**
 * Adds addresses and blocks. With the first one, all other addresses are refused.
 * @returns the whole list
 * @throws UserError DUPLICATE_ADDRESSES_IN_INPUT, ADDRESS_ALREADY_IN_ACCESS_LIST, ACCESS_LIST_LIMIT, CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST if the actor
 *   would lock itself out, and as {@link listAccessList}
 */
export async function addToAccessList(
  control: Control,
  actor: Actor,
  owner: ListOwner,
  addresses: readonly string[],
): Promise<readonly AccessListEntry[]> {
  const nowMs = control.clock.now();
  return await changeList(control, actor, owner, 'ADDED', addresses, (list) => {
    addresses.forEach((address, at) => {
      const twice = addresses.slice(0, at).some((earlier) => isSame(earlier, address));
      if (twice) throw new UserError('DUPLICATE_ADDRESSES_IN_INPUT', [address]);
      const known = list.some((entry) => isSame(entry.address, address));
      if (known) throw new UserError('ADDRESS_ALREADY_IN_ACCESS_LIST', [address]);
    });
    // rule: access-list-limit
    const count = list.length + addresses.length;
    if (count > MOST_ENTRIES) throw new UserError('ACCESS_LIST_LIMIT', [String(count), String(MOST_ENTRIES)]);
    return [...list, ...addresses.map((address) => ({ address, createdAtMs: nowMs }))];
  });
}

/** @throws UserError ACCESS_LIST_ENTRY_NOT_FOUND, CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST, and as {@link listAccessList} */
export async function removeFromAccessList(
  control: Control,
  actor: Actor,
  owner: ListOwner,
  address: string,
): Promise<void> {
  await changeList(control, actor, owner, 'DELETED', [address], (list) => {
    const left = list.filter((entry) => !isSame(entry.address, address));
    if (left.length === list.length) throw new UserError('ACCESS_LIST_ENTRY_NOT_FOUND', [address]);
    return left;
  });
}

/** An address as the block that contains only this address, in lower case; returns a block unchanged. */
export function blockOf(address: string): string {
  const text = address.toLowerCase();
  if (text.includes('/')) return text;
  return `${text}/${text.includes(':') ? 128 : 32}`;
}

async function changeList(
  control: Control,
  actor: Actor,
  owner: ListOwner,
  what: 'ADDED' | 'DELETED',
  addresses: readonly string[],
  change: (list: readonly AccessListEntry[]) => readonly AccessListEntry[],
): Promise<readonly AccessListEntry[]> {
  const nowMs = control.clock.now();
  const { orgId } = owner;
  return control.store.write(async (transaction) => {
    const { accessListRequired } = await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const account = await ownerOf(transaction, owner);
    const { kind, name } = account;
    const changed = change(account.accessList);
    const allowed = changed.map(({ address }) => address);
    const shutsOut =
      !control.isOnAccessList(allowed, actor.remoteAddress) || (accessListRequired && allowed.length === 0);
    if (name === actor.name && shutsOut) {
      throw new UserError('CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST', [actor.remoteAddress]);
    }
    await transaction.update('accounts', { ...account, accessList: changed });
    const eventTypeName = `${kind}_ACCESS_LIST_ENTRY_${what}`;
    const target = kind === 'API_KEY' ? 'targetPublicKey' : 'clientId';
    await audit(transaction, actor, nowMs, { eventTypeName, orgId, details: { [target]: name, addresses } });
    return changed;
  });
}

async function ownerOf(store: StoreReader, { orgId, apiKeyId, clientId }: ListOwner): Promise<Account> {
  return clientId === undefined ? await findApiKey(store, orgId, apiKeyId) : await findIn(store, orgId, clientId);
}

function isSame(left: string, right: string): boolean {
  return blockOf(left) === blockOf(right);
}
