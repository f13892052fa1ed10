import { Selection } from '../catalog/selection.ts';
import { canReadBlockState } from '../cutover/block-notes.ts';
import { canWriteThroughBlock, writesAreBlocked } from '../cutover/write-block.ts';
import { shownVersion } from './check-versions.ts';
import { type Found, found } from './finding.ts';
import type { Look } from './look.ts';

/** Roles of the server that go with `bypassWriteBlockingMode` (tried on 6.0.5). */
const BYPASSING_ROLES = ['restore', 'root', '__system'];
const BYPASS = 'bypassWriteBlockingMode';
const SHOWN_USERS = 20;

/** Whether writers are kept away: from the source at the cutover, from the destination all the time. */
export async function checkWritersKeptAway(look: Look): Promise<Found[]> {
  const { options, features, destination } = look;
  const onSource = features.blocksWrites ? [] : [found('SOURCE_NOT_BLOCKED', [shownVersion(look.from)])];
  if (options.once) return onSource;
  const inPart = features.blocksWrites && !blocksSource(look) ? [found('PART_NOT_BLOCKED')] : [];
  if (options.keepDestination) return [...onSource, ...inPart, found('DESTINATION_KEPT')];
  const isProtected = await canWriteThroughBlock(destination);
  return [...onSource, ...inPart, ...(isProtected ? [] : [found('DESTINATION_UNPROTECTED')])];
}

/** Users who go on writing to a blocked source: that would be lost, or keep the cutover from ending (§8.3). */
export async function checkBypassingUsers(look: Look): Promise<Found[]> {
  if (!blocksSource(look) || look.from.privileges === undefined) return [];
  const admin = look.source.db('admin');
  const [users, roles] = await Promise.all([
    admin
      .collection<Account>('system.users')
      .find({}, { projection: { user: 1, db: 1, roles: 1 } })
      .toArray(),
    admin.collection<Account>('system.roles').find({}).toArray(),
  ]);
  const bypassing = bypassingRoles(roles);
  const names = users
    .filter(({ roles: of = [] }) => of.some((role) => bypassing.has(nameOf(role.role, role.db))))
    .map(({ user, db }) => nameOf(user ?? '', db));
  if (names.length === 0) return [];
  const more = names.length > SHOWN_USERS ? ` and ${names.length - SHOWN_USERS} more` : '';
  return [found('USERS_BYPASS_BLOCK', [names.slice(0, SHOWN_USERS).join(', ') + more])];
}

/** Whether migrations from the same source can tell each other's block from their own. */
export async function checkBlockOwner(look: Look): Promise<Found[]> {
  if (!blocksSource(look) || (await canReadBlockState(look.source))) return [];
  return [found('BLOCK_OWNER_UNSEEN')];
}

/** Whether somebody blocks users' writes already. */
export async function checkBlocked({ source, destination, isNew }: Look): Promise<Found[]> {
  if (!(await isNew())) return [];
  const [from, to] = await Promise.all([writesAreBlocked(source), writesAreBlocked(destination)]);
  return [
    ...(from ? [found('WRITES_BLOCKED', ['source'])] : []),
    ...(to ? [found('WRITES_BLOCKED', ['destination'])] : []),
  ];
}

/** Whether the source would be blocked at the cutover. */
function blocksSource({ options, features }: Look): boolean {
  return (
    features.blocksWrites && !options.once && new Selection(options.filters).isWhole && !options.documentFilters?.length
  );
}

interface RoleName {
  readonly role: string;
  readonly db: string;
}

/** A document of `system.users` or `system.roles`. */
interface Account {
  readonly user?: string;
  readonly role?: string;
  readonly db: string;
  readonly roles?: readonly RoleName[];
  readonly privileges?: readonly { readonly actions: readonly string[] }[];
}

/** Roles that go with the privilege: the server's, custom ones that have it, and those that inherit from one of them. */
function bypassingRoles(custom: readonly Account[]): ReadonlySet<string> {
  const bypassing = new Set(BYPASSING_ROLES.map((role) => nameOf(role, 'admin')));
  for (let before = -1; before !== bypassing.size; ) {
    before = bypassing.size;
    for (const { role = '', db, roles = [], privileges = [] } of custom) {
      const has = privileges.some(({ actions }) => actions.includes(BYPASS) || actions.includes('anyAction'));
      if (has || roles.some((one) => bypassing.has(nameOf(one.role, one.db)))) bypassing.add(nameOf(role, db));
    }
  }
  return bypassing;
}

function nameOf(name: string, database: string): string {
  return `${database}.${name}`;
}
