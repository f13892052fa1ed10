import { isId, UserError } from '../platform/index.ts';
import type { Control } from './control.ts';
import type { ApiKey, CredentialVerifiers, Group, Organization, OrganizationRole } from './records.ts';
import type { Sealed, Sealer } from './sealer.ts';
import type { StoreReader } from './store-port.ts';

/** Who asks: an API key or a service account that has proved itself. */
export interface Actor {
  /** The public key, or the client id. */
  readonly name: string;
  readonly orgId: string;
  readonly roles: readonly OrganizationRole[];
}

/** An actor, and the addresses and blocks from which it may come; none: any. */
export interface Account {
  readonly actor: Actor;
  readonly accessList: readonly string[];
}

/** The account behind a public key, with what its private key is checked against; undefined where there is none. */
export async function findAccount(
  { store, sealer }: Control,
  publicKey: string,
): Promise<(Account & { readonly secrets: CredentialVerifiers }) | undefined> {
  const key = await store.apiKey(publicKey);
  if (!key) return undefined;
  const { orgId, roles, accessList } = key;
  return { actor: { name: publicKey, orgId, roles }, accessList, secrets: verifiersOf(sealer, key) };
}

/**
 * What keys in use are checked against, by what is stored of it. Opening it for each request would cost more than all the rest of the
 * check, and its time would tell known keys from unknown ones.
 */
const opened = new WeakMap<Sealer, Map<Sealed, CredentialVerifiers>>();
const MAX_OPENED = 1000;

function verifiersOf(sealer: Sealer, { id, verifiers }: ApiKey): CredentialVerifiers {
  const known = opened.get(sealer) ?? new Map<Sealed, CredentialVerifiers>();
  const kept = known.get(verifiers);
  if (kept) return kept;
  const read: CredentialVerifiers = JSON.parse(sealer.open(verifiers, { table: 'api_keys', id, field: 'verifiers' }));
  if (known.size >= MAX_OPENED) known.clear();
  opened.set(sealer, known.set(verifiers, read));
  return read;
}

/**
 * The organization, if the actor has the role in it.
 * @throws UserError INVALID_ORG_ID, ORG_NOT_FOUND, USER_CANNOT_ACCESS_ORG, NOT_ORG_OWNER
 */
export async function authorizeOrganization(
  store: StoreReader,
  actor: Actor,
  orgId: string,
  role: OrganizationRole,
): Promise<Organization> {
  if (!isId(orgId)) throw new UserError('INVALID_ORG_ID', [orgId]);
  const organization = await store.organization(orgId);
  if (!organization) throw new UserError('ORG_NOT_FOUND', [orgId]);
  if (actor.orgId !== orgId) throw new UserError('USER_CANNOT_ACCESS_ORG', [orgId]);
  assertRole(actor, orgId, role);
  return organization;
}

/**
 * The project, if the actor has the role in its organization.
 * @throws UserError INVALID_GROUP_ID, GROUP_NOT_FOUND, USER_CANNOT_ACCESS_GROUP, NOT_ORG_OWNER
 */
export async function authorizeGroup(
  store: StoreReader,
  actor: Actor,
  groupId: string,
  role: OrganizationRole,
): Promise<Group> {
  if (!isId(groupId)) throw new UserError('INVALID_GROUP_ID', [groupId]);
  const group = await store.group(groupId);
  if (!group) throw new UserError('GROUP_NOT_FOUND', [groupId]);
  if (actor.orgId !== group.orgId) throw new UserError('USER_CANNOT_ACCESS_GROUP', [groupId]);
  assertRole(actor, group.orgId, role);
  return group;
}

/** Owners may do what members may. */
function assertRole(actor: Actor, orgId: string, role: OrganizationRole): void {
  if (actor.roles.includes('ORG_OWNER') || (role === 'ORG_MEMBER' && actor.roles.includes('ORG_MEMBER'))) return;
  throw new UserError('NOT_ORG_OWNER', [orgId]);
}
