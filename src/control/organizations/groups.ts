import { newId, UserError } from '../../platform/index.ts';
import { authorizeGroup, authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountNamed, clustersOf, groupsOf } from '../records/queries.ts';
import type { Group } from '../records/records.ts';
import { type GroupRoleAssignment, grantsInGroup } from '../records/roles.ts';
import type { StoreReader, StoreTransaction } from '../records/store-port.ts';

/** Maximum number of projects of an organization, as in Atlas. */
const MOST_PROJECTS = 250;

/** The projects that the actor may read: all for owners and readers of the organization, otherwise those in which it has a role. */
export async function listGroups({ store }: Control, actor: Actor): Promise<Group[]> {
  const groups = await groupsOf(store, actor.orgId);
  return groups.filter(({ id }) => grantsInGroup(actor, id, 'GROUP_READ_ONLY'));
}

/**
 * The projects of an organization that the actor may read.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listGroupsOf(control: Control, actor: Actor, orgId: string): Promise<Group[]> {
  await authorizeOrganization(control.store, actor, orgId, 'ORG_MEMBER');
  return await listGroups(control, actor);
}

/** @throws UserError as {@link authorizeGroup} */
export async function getGroup({ store }: Control, actor: Actor, groupId: string): Promise<Group> {
  return await authorizeGroup(store, actor, groupId, 'GROUP_READ_ONLY');
}

/** @throws UserError GROUP_NAME_NOT_FOUND */
export async function getGroupByName(control: Control, actor: Actor, name: string): Promise<Group> {
  const group = (await listGroups(control, actor)).find((each) => each.name === name);
  if (!group) throw new UserError('GROUP_NAME_NOT_FOUND', [name]);
  return group;
}

/**
 * Creates a project. An actor that does not own the organization becomes the project's owner, as in Atlas.
 * @throws UserError GROUP_ALREADY_EXISTS, MAX_GROUPS_PER_ORG_EXCEEDED, and as {@link authorizeOrganization}
 */
export async function createGroup(control: Control, actor: Actor, orgId: string, name: string): Promise<Group> {
  const nowMs = control.clock.now();
  const group: Group = { id: newId(nowMs), orgId, name, createdAtMs: nowMs, deletedAtMs: null };
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_GROUP_CREATOR');
    await assertFree(transaction, orgId, name);
    const { length } = await groupsOf(transaction, orgId);
    if (length >= MOST_PROJECTS) throw new UserError('MAX_GROUPS_PER_ORG_EXCEEDED', [String(MOST_PROJECTS), orgId]);
    await transaction.insert('groups', group);
    if (!actor.roles.includes('ORG_OWNER')) await giveOwnership(transaction, actor, group.id);
    await audit(transaction, actor, nowMs, {
      eventTypeName: 'GROUP_CREATED',
      orgId,
      groupId: group.id,
      details: { name },
    });
    return group;
  });
}

/** @throws UserError GROUP_ALREADY_EXISTS, and as {@link authorizeGroup} */
export async function renameGroup(control: Control, actor: Actor, groupId: string, name: string): Promise<Group> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    const group = await authorizeGroup(transaction, actor, groupId, 'GROUP_OWNER');
    if (group.name === name) return group;
    await assertFree(transaction, group.orgId, name);
    const renamed = { ...group, name };
    await transaction.update('groups', renamed);
    const details = { name, formerName: group.name };
    await audit(transaction, actor, nowMs, {
      eventTypeName: 'GROUP_NAME_CHANGED',
      orgId: group.orgId,
      groupId,
      details,
    });
    return renamed;
  });
}

/**
 * Deletes a project without clusters. The store keeps its ended migrations, but the API no longer shows them.
 * @throws UserError CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS, and as {@link authorizeGroup}
 */
export async function deleteGroup(control: Control, actor: Actor, groupId: string): Promise<void> {
  const deletedAtMs = control.clock.now();
  await control.store.write(async (transaction) => {
    const group = await authorizeGroup(transaction, actor, groupId, 'GROUP_OWNER');
    const clusters = await clustersOf(transaction, groupId);
    if (clusters.length > 0) {
      const names = clusters.map(({ name }) => name).join(', ');
      throw new UserError('CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS', [groupId, names]);
    }
    await transaction.update('groups', { ...group, deletedAtMs });
    for (const account of await transaction.find('accounts', { orgId: group.orgId })) {
      await transaction.update('accounts', { ...account, groupRoles: withoutGroup(account.groupRoles, groupId) });
    }
    const details = { name: group.name };
    await audit(transaction, actor, deletedAtMs, {
      eventTypeName: 'GROUP_DELETED',
      orgId: group.orgId,
      groupId,
      details,
    });
  });
}

async function giveOwnership(transaction: StoreTransaction, { kind, name }: Actor, groupId: string): Promise<void> {
  const role = { groupId, roleName: 'GROUP_OWNER' } as const;
  const account = await accountNamed(transaction, kind, name);
  if (account) await transaction.update('accounts', { ...account, groupRoles: [...account.groupRoles, role] });
}

function withoutGroup(roles: readonly GroupRoleAssignment[], groupId: string): readonly GroupRoleAssignment[] {
  return roles.filter((role) => role.groupId !== groupId);
}

async function assertFree(store: StoreReader, orgId: string, name: string): Promise<void> {
  const groups = await groupsOf(store, orgId);
  if (groups.some((other) => other.name === name)) throw new UserError('GROUP_ALREADY_EXISTS', [name]);
}
