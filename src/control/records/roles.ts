/** Atlas's roles in an organization. Roles without a special meaning in Linkspan grant the same as ORG_MEMBER. */
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

/** Atlas's roles in a project. Roles without a special meaning in Linkspan grant read access. */
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

/** Whether these roles in an organization grant the role `needed`. */
export function grantsInOrganization(roles: readonly OrganizationRole[], needed: OrganizationRole): boolean {
  if (roles.includes('ORG_OWNER') || roles.includes(needed)) return true;
  return needed === 'ORG_MEMBER' && roles.length > 0;
}

/** Whether these roles grant the role `needed` in a project. */
export function grantsInGroup(
  { roles, groupRoles }: { roles: readonly OrganizationRole[]; groupRoles: readonly GroupRoleAssignment[] },
  groupId: string,
  needed: GroupRole,
): boolean {
  if (roles.includes('ORG_OWNER') || (needed === 'GROUP_READ_ONLY' && roles.includes('ORG_READ_ONLY'))) return true;
  const own = groupRoles.filter((role) => role.groupId === groupId).map(({ roleName }) => roleName);
  return own.includes('GROUP_OWNER') || own.includes(needed) || (needed === 'GROUP_READ_ONLY' && own.length > 0);
}
