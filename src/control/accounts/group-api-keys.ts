import { UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountsOf } from '../records/queries.ts';
import type { ApiKey } from '../records/records.ts';
import type { GroupRole } from '../records/roles.ts';
import type { StoreReader } from '../records/store-port.ts';
import { authorizeGroup } from './actor.ts';
import { assertRoomForKey, findApiKey, type MadeApiKey, newApiKey } from './api-keys.ts';

/**
 * Creates a key with roles in one project. In the organization it is ORG_MEMBER, as in Atlas.
 * @throws UserError as {@link authorizeGroup}
 */
export async function createGroupApiKey(
  control: Control,
  actor: Actor,
  groupId: string,
  description: string,
  roles: readonly GroupRole[],
): Promise<MadeApiKey> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    const { orgId } = await authorizeGroup(transaction, actor, groupId, 'GROUP_OWNER');
    await assertRoomForKey(transaction, orgId);
    const groupRoles = roles.map((roleName) => ({ groupId, roleName }));
    const made = newApiKey(control, { orgId, description, roles: ['ORG_MEMBER'], groupRoles }, nowMs);
    await transaction.insert('accounts', made.key);
    const details = { targetPublicKey: made.key.name, roles };
    await audit(transaction, actor, nowMs, { eventTypeName: 'API_KEY_CREATED', orgId, groupId, details });
    return made;
  });
}

/** The keys that have a role in the project. @throws UserError as {@link authorizeGroup} */
export async function listGroupApiKeys({ store }: Control, actor: Actor, groupId: string): Promise<ApiKey[]> {
  const { orgId } = await authorizeGroup(store, actor, groupId, 'GROUP_READ_ONLY');
  return (await accountsOf(store, orgId, 'API_KEY')).filter((key) => hasRoleIn(key, groupId));
}

/**
 * Replaces the roles of an organization's key in a project. An empty list removes the key from the project.
 * @param mustBeIn     whether the key must already have a role there
 * @param description  the new description, if given
 * @throws UserError API_KEY_NOT_FOUND, and as {@link authorizeGroup}
 */
export async function setGroupApiKeyRoles(
  control: Control,
  actor: Actor,
  { groupId, id, mustBeIn }: { readonly groupId: string; readonly id: string; readonly mustBeIn: boolean },
  roles: readonly GroupRole[] | undefined,
  description?: string,
): Promise<ApiKey> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    const { orgId } = await authorizeGroup(transaction, actor, groupId, 'GROUP_OWNER');
    const former = await findKey(transaction, orgId, id, mustBeIn ? groupId : undefined);
    const elsewhere = former.groupRoles.filter((role) => role.groupId !== groupId);
    const groupRoles = roles ? [...elsewhere, ...roles.map((roleName) => ({ groupId, roleName }))] : former.groupRoles;
    const key: ApiKey = { ...former, groupRoles, description: description ?? former.description };
    await transaction.update('accounts', key);
    const eventTypeName = eventOf(hasRoleIn(former, groupId), hasRoleIn(key, groupId));
    const details = { targetPublicKey: key.name, ...(roles ? { roles } : {}) };
    await audit(transaction, actor, nowMs, { eventTypeName, orgId, groupId, details });
    return key;
  });
}

function eventOf(wasIn: boolean, isIn: boolean): string {
  if (!wasIn) return 'API_KEY_ADDED_TO_GROUP';
  return isIn ? 'API_KEY_ROLES_CHANGED' : 'API_KEY_REMOVED_FROM_GROUP';
}

async function findKey(store: StoreReader, orgId: string, id: string, groupId: string | undefined): Promise<ApiKey> {
  const key = await findApiKey(store, orgId, id);
  if (groupId !== undefined && !hasRoleIn(key, groupId)) throw new UserError('API_KEY_NOT_FOUND', [id]);
  return key;
}

function hasRoleIn({ groupRoles }: ApiKey, groupId: string): boolean {
  return groupRoles.some((role) => role.groupId === groupId);
}
