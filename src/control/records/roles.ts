/** Atlas's roles in an organization. Those that Linkspan gives no meaning of their own are those of a member. */
export const ORGANIZATION_ROLES = [
  'ORG_OWNER',
  'ORG_MEMBER',
  'ORG_GROUP_CREATOR',
  'ORG_BILLING_ADMIN',
  'ORG_BILLING_READ_ONLY',
  'ORG_STREAM_PROCESSING_ADMIN',
  'ORG_READ_ONLY',
] as const;
export type OrganizationRole = (typeof ORGANIZATION_ROLES)[number];

/** Atlas's roles in a project. Those that Linkspan gives no meaning of their own may read. */
export const GROUP_ROLES = [
  'GROUP_OWNER',
  'GROUP_CLUSTER_MANAGER',
  'GROUP_READ_ONLY',
  'GROUP_BACKUP_MANAGER',
  'GROUP_DATA_ACCESS_ADMIN',
  'GROUP_DATA_ACCESS_READ_ONLY',
  'GROUP_DATA_ACCESS_READ_WRITE',
  'GROUP_DATABASE_ACCESS_ADMIN',
  'GROUP_OBSERVABILITY_VIEWER',
  'GROUP_SEARCH_INDEX_EDITOR',
  'GROUP_STREAM_PROCESSING_OWNER',
] as const;
export type GroupRole = (typeof GROUP_ROLES)[number];

/** A role in one project. */
export interface GroupRoleAssignment {
  readonly groupId: string;
  readonly roleName: GroupRole;
}

/** Whether somebody with these roles in an organization may do what needs `needed` in it. */
export function grantsInOrganization(roles: readonly OrganizationRole[], needed: OrganizationRole): boolean {
  if (roles.includes('ORG_OWNER') || roles.includes(needed)) return true;
  return needed === 'ORG_MEMBER' && roles.length > 0;
}

/** Whether somebody with these roles may do in a project what needs `needed` there. */
export function grantsInGroup(
  { roles, groupRoles }: { roles: readonly OrganizationRole[]; groupRoles: readonly GroupRoleAssignment[] },
  groupId: string,
  needed: GroupRole,
): boolean {
  if (roles.includes('ORG_OWNER') || (needed === 'GROUP_READ_ONLY' && roles.includes('ORG_READ_ONLY'))) return true;
  const own = groupRoles.filter((role) => role.groupId === groupId).map(({ roleName }) => roleName);
  return own.includes('GROUP_OWNER') || own.includes(needed) || (needed === 'GROUP_READ_ONLY' && own.length > 0);
}
