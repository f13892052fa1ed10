import { newId, UserError } from '../platform/index.ts';
import { type Actor, authorizeGroup, authorizeOrganization } from './actor.ts';
import type { Control } from './control.ts';
import type { Group, Organization } from './records.ts';

/** The organizations that the actor belongs to. */
export async function listOrganizations({ store }: Control, actor: Actor): Promise<Organization[]> {
  return [await authorizeOrganization(store, actor, actor.orgId, 'ORG_MEMBER')];
}

/** @throws UserError as {@link authorizeOrganization} */
export async function getOrganization({ store }: Control, actor: Actor, orgId: string): Promise<Organization> {
  return await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
}

/** The projects that the actor sees. */
export async function listGroups({ store }: Control, actor: Actor): Promise<Group[]> {
  return await store.groupsOf(actor.orgId);
}

/**
 * The projects of an organization.
 * @throws UserError as {@link authorizeOrganization}
 */
export async function listGroupsOf({ store }: Control, actor: Actor, orgId: string): Promise<Group[]> {
  await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
  return await store.groupsOf(orgId);
}

/** @throws UserError as {@link authorizeGroup} */
export async function getGroup({ store }: Control, actor: Actor, groupId: string): Promise<Group> {
  return await authorizeGroup(store, actor, groupId, 'ORG_MEMBER');
}

/**
 * Makes a project.
 * @throws UserError GROUP_ALREADY_EXISTS, and as {@link authorizeOrganization}
 */
export async function createGroup(control: Control, actor: Actor, orgId: string, name: string): Promise<Group> {
  const nowMs = control.clock.now();
  const group = { id: newId(nowMs), orgId, name, createdAtMs: nowMs };
  return control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const groups = await transaction.groupsOf(orgId);
    if (groups.some((other) => other.name === name)) throw new UserError('GROUP_ALREADY_EXISTS', [name]);
    await transaction.insertGroup(group);
    return group;
  });
}
