import { authenticatedUsers, readDefinitions } from '../../accounts/definition.ts';
import { UsersAndRoles } from '../../accounts/users-and-roles.ts';
import { MadeAccounts } from '../../records/made-accounts.ts';
import { Selection } from '../../scope/selection.ts';
import { type Found, found } from '../finding.ts';
import type { ClusterDescription } from '../inspect-cluster.ts';
import type { Look } from '../look.ts';

const SHOWN_USERS = 5;

/** Whether users and roles can be migrated, if that is selected, and which of them the destination keeps. */
export async function checkAccounts({ source, fence, from, options }: Look): Promise<Found[]> {
  if (!options.usersAndRoles) return [];
  const { filters, documentFilters = [], namespaceRemap = [] } = options;
  // Roles name databases and collections.
  const isWhole = new Selection(filters).isWhole && documentFilters.length + namespaceRemap.length === 0;
  const accounts = new UsersAndRoles(source, fence, new MadeAccounts(fence, from.clusterId));
  await accounts.compare();
  return [
    ...(isWhole ? [] : [found('ACCOUNTS_NEED_WHOLE')]),
    ...(accounts.kept === undefined ? [] : [{ error: accounts.kept }]),
  ];
}

/**
 * Finds users of the source whom the migration leaves behind, as far as the connections' users may see them. Where the destination's users can't
 * be seen, it may have some of them.
 */
export async function checkUsersStay({ source, destination, from, to, options }: Look): Promise<Found[]> {
  if (options.usersAndRoles || !from.privileges || !maySeeUsers(from)) return [];
  const [users, own, present] = await Promise.all([
    readDefinitions(source, 'user'),
    authenticatedUsers(source),
    maySeeUsers(to) ? readDefinitions(destination, 'user') : [],
  ]);
  const there = new Set([...own, ...present.map(({ id }) => id)]);
  const left = users.filter(({ id }) => !there.has(id)).map(({ id }) => id);
  if (left.length === 0) return [];
  const more = left.length > SHOWN_USERS ? ` and ${left.length - SHOWN_USERS} more` : '';
  return [found('USERS_STAY', [left.slice(0, SHOWN_USERS).join(', ') + more])];
}

function maySeeUsers({ privileges }: ClusterDescription): boolean {
  return privileges === undefined || privileges.hasOnServerCollection('find', 'admin', 'system.users');
}
