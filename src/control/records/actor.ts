import type { GroupRoleAssignment, OrganizationRole } from './roles.ts';

/** The sender of an API request: an authenticated API key or service account. */
export interface Actor {
  readonly kind: 'API_KEY' | 'SERVICE_ACCOUNT';
  /** The public key, or the client id. */
  readonly name: string;
  readonly orgId: string;
  readonly roles: readonly OrganizationRole[];
  readonly groupRoles: readonly GroupRoleAssignment[];
  /** The client's address. */
  readonly remoteAddress: string;
}
