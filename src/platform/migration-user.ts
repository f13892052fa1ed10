/** The name of the user, and of its role, that the control plane creates on a destination for a migration or validation. */
export function migrationUserName(id: string): string {
  return `linkspan-${id}`;
}

/** Whether a user or role of the database `admin` has such a name. It belongs to its cluster: no migration or comparison includes it. */
export function isMigrationUser(name: string): boolean {
  return /^linkspan-[0-9a-f]{24}$/.test(name);
}

/** The actions on all databases of the destination that a migration of users and roles needs. */
export const ACCOUNT_ACTIONS = [
  'createUser',
  'dropUser',
  'createRole',
  'dropRole',
  'grantRole',
  'revokeRole',
  'viewRole',
  'setAuthenticationRestriction',
];
