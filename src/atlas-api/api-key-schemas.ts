import { z } from 'zod';
import { type ApiKey, GROUP_ROLES, type MadeApiKey, ORGANIZATION_ROLES } from '../control/index.ts';
import { id, link } from './schemas.ts';

const description = z.string().min(1).max(250);
export const organizationRoles = rolesOf(ORGANIZATION_ROLES);
export type OrganizationRole = z.output<typeof organizationRoles>[number];

const groupRoles = rolesOf(GROUP_ROLES);

export const organizationApiKeyRequest = z
  .strictObject({ desc: description, roles: organizationRoles })
  .meta({ id: 'CreateAtlasOrganizationApiKey' });
export const organizationApiKeyUpdate = z
  .strictObject({ desc: description.optional(), roles: organizationRoles.optional() })
  .meta({ id: 'UpdateAtlasOrganizationApiKey' });
export const groupApiKeyRequest = z
  .strictObject({ desc: description, roles: groupRoles })
  .meta({ id: 'CreateAtlasProjectApiKey' });
export const groupApiKeyUpdate = z
  .strictObject({ desc: description.optional(), roles: groupRoles.optional() })
  .meta({ id: 'UpdateAtlasProjectApiKey' });
/** Each assignment has at least one role, so more assignments than roles add nothing. */
export const groupRoleAssignments = z
  .array(z.strictObject({ roles: groupRoles, userId: id.optional() }).meta({ id: 'UserAccessRoleAssignment' }))
  .min(1)
  .max(GROUP_ROLES.length);

export const roleAssignment = z
  .object({ groupId: id.optional(), orgId: id.optional(), roleName: z.string() })
  .meta({ id: 'CloudAccessRoleAssignment' });

export const apiKey = z
  .object({
    desc: z.string(),
    id,
    links: z.array(link),
    privateKey: z.string().meta({ description: 'Shown completely only in the answer that creates the key.' }),
    publicKey: z.string(),
    roles: z.array(roleAssignment),
  })
  .meta({ id: 'ApiKeyUserDetails' });

export type ShownApiKey = z.output<typeof apiKey>;

/** The answer that creates a key, which contains its private key. */
export function showMadeApiKey({ key, privateKey }: MadeApiKey, href: string): z.output<typeof apiKey> {
  return { ...showApiKey(key, href), privateKey };
}

export function showApiKey(key: ApiKey, href: string): z.output<typeof apiKey> {
  const { id, description: desc, name: publicKey, privateKeyEnd } = key;
  return {
    desc,
    id,
    links: [{ href, rel: 'self' }],
    privateKey: `********-****-****-${privateKeyEnd ?? '************'}`,
    publicKey,
    roles: showRoles(key),
  };
}

export function showRoles({ orgId, roles, groupRoles: inGroups }: Pick<ApiKey, 'orgId' | 'roles' | 'groupRoles'>) {
  return [...roles.map((roleName) => ({ orgId, roleName })), ...inGroups];
}

/** Schema of roles that a request gives: at most as many as there are, and each one once in the output. */
function rolesOf<Role extends string>(roles: readonly Role[]) {
  // rule: role-count-limit
  return z
    .array(z.enum(roles))
    .min(1)
    .max(roles.length)
    .transform((given) => [...new Set(given)]);
}
