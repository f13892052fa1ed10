import { UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { Account } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';
import type { Caller } from './caller.ts';

/** A caller that sent a request, and its account with the address of the request. */
export interface Sender extends Caller {
  readonly actor: Actor;
}

/**
 * Returns why an account may not send requests from an address; undefined if it may.
 * @returns UserError IP_ADDRESS_NOT_ON_ACCESS_LIST or RESOURCE_REQUIRES_ACCESS_LIST
 */
export async function whyRefusedFrom(
  address: string,
  { orgId, accessList }: Pick<Account, 'orgId' | 'accessList'>,
  store: StoreReader,
  { isOnAccessList }: Pick<Control, 'isOnAccessList'>,
): Promise<UserError | undefined> {
  if (accessList.length === 0) {
    const isRequired = (await store.get('organizations', orgId))?.accessListRequired ?? false;
    return isRequired ? new UserError('RESOURCE_REQUIRES_ACCESS_LIST', [address]) : undefined;
  }
  const allowed = accessList.map((entry) => entry.address);
  return isOnAccessList(allowed, address) ? undefined : new UserError('IP_ADDRESS_NOT_ON_ACCESS_LIST', [address]);
}

/**
 * Checks that a sender would still be admitted, with at least the roles that it had. A request may last: its client sends the body slowly,
 * or it waits for a destination.
 * @throws UserError UNAUTHORIZED if the credential has ended or a role was taken away, and those of {@link whyRefusedFrom}
 */
export async function assertStillAdmitted(
  control: Pick<Control, 'isOnAccessList'>,
  store: StoreReader,
  { accountNow, actor }: Sender,
): Promise<void> {
  const now = await accountNow(store);
  if (!now || (await hasLostRole(store, actor, now))) throw new UserError('UNAUTHORIZED');
  const refusal = await whyRefusedFrom(actor.remoteAddress, now, store, control);
  if (refusal) throw refusal;
}

/**
 * The control plane as one sender uses it: each transaction first checks in itself that the sender is still admitted. So no change of a
 * deleted or demoted account follows its deletion, whatever an operation checks.
 */
export function controlFor(control: Control, sender: Sender): Control {
  const { store } = control;
  const guarded: Control['store'] = {
    ...store,
    write: (work) =>
      store.write(async (transaction) => {
        // rule: recheck-sender-in-transaction
        await assertStillAdmitted(control, transaction, sender);
        return await work(transaction);
      }),
  };
  return { ...control, store: guarded };
}

/**
 * Returns whether an account has lost a role. Roles in a project that was deleted don't count: a key may delete several of its
 * projects at the same time.
 */
export async function hasLostRole(
  store: StoreReader,
  before: Pick<Account, 'roles' | 'groupRoles'>,
  now: Pick<Account, 'roles' | 'groupRoles'>,
): Promise<boolean> {
  if (before.roles.some((role) => !now.roles.includes(role))) return true;
  const kept = new Set(now.groupRoles.map(({ groupId, roleName }) => `${groupId} ${roleName}`));
  for (const { groupId, roleName } of before.groupRoles) {
    if (kept.has(`${groupId} ${roleName}`)) continue;
    const group = await store.get('groups', groupId);
    // rule: ignore-deleted-projects
    if (group?.deletedAtMs === null) return true;
  }
  return false;
}
