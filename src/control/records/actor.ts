import type { GroupRoleAssignment, OrganizationRole } from './roles.ts';

/** Who asks: an API key or a service account that has proved itself. */
export interface Actor {
  readonly kind: 'api key' | 'service account';
  /** The public key, or the client id. */
  readonly name: string;
  readonly orgId: string;
  readonly roles: readonly OrganizationRole[];
  readonly groupRoles: readonly GroupRoleAssignment[];
  /** From where it asks. */
  readonly remoteAddress: string;
}
