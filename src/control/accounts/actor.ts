import { isId, UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountNamed } from '../records/queries.ts';
import type { ApiKey, CredentialVerifiers, Group, Organization } from '../records/records.ts';
import { type GroupRole, grantsInGroup, grantsInOrganization, type OrganizationRole } from '../records/roles.ts';
import type { Sealed, Sealer } from '../records/sealer.ts';
import type { StoreReader } from '../records/store-port.ts';
import type { Caller } from './caller.ts';

/** The API key of a public key, with the hashes for checking its private key; undefined if there is none. */
export async function findAccount(
  { store, sealer }: Control,
  publicKey: string,
): Promise<(Caller & { readonly secrets: CredentialVerifiers }) | undefined> {
  const account = await accountNamed(store, 'API_KEY', publicKey);
  if (!account) {
    spendTimeOn(sealer, publicKey);
    return undefined;
  }
  const accountNow = async (from: StoreReader) => {
    const found = await accountNamed(from, 'API_KEY', publicKey);
    return found?.id === account.id ? found : undefined;
  };
  return { account, accountNow, secrets: verifiersOf(sealer, account) };
}

/**
 * Cache of opened verifiers, by their sealed form. Opening them for each request would cost more than the rest of the check, and the time
 * would reveal which keys exist.
 */
const opened = new WeakMap<Sealer, Map<Sealed, CredentialVerifiers>>();
const MAX_OPENED = 1000;

/** Unknown names that were already checked once. Their first check opens a dummy value, so that the time of an answer reveals nothing. */
const strangers = new WeakMap<Sealer, { readonly sealed: Sealed; readonly seen: Set<string> }>();
const NOWHERE = { kind: 'accounts', id: '', field: 'verifiers' };

function spendTimeOn(sealer: Sealer, publicKey: string): void {
  const kept = strangers.get(sealer);
  // After a rotation of the master key, the dummy value is sealed again.
  const sealed =
    kept?.sealed.startsWith(sealer.mark) === true
      ? kept.sealed
      : sealer.seal(JSON.stringify({ MD5: '0'.repeat(32), 'SHA-256': '0'.repeat(64) }), NOWHERE);
  const seen = kept?.seen ?? new Set<string>();
  strangers.set(sealer, { sealed, seen });
  if (seen.has(publicKey)) return;
  if (seen.size >= MAX_OPENED) seen.clear();
  seen.add(publicKey);
  JSON.parse(sealer.open(sealed, NOWHERE));
}

function verifiersOf(sealer: Sealer, { id, verifiers }: ApiKey): CredentialVerifiers {
  const known = opened.get(sealer) ?? new Map<Sealed, CredentialVerifiers>();
  const kept = known.get(verifiers);
  if (kept) return kept;
  const read: CredentialVerifiers = JSON.parse(sealer.open(verifiers, { kind: 'accounts', id, field: 'verifiers' }));
  if (known.size >= MAX_OPENED) known.clear();
  opened.set(sealer, known.set(verifiers, read));
  return read;
}

/**
 * Refuses an actor that lacks a role in the organization or the project of a request, before anything is read of its body. The use
 * case checks the role again, in its transaction.
 * @param place  from the path; of a request without either, the actor's own organization
 * @throws UserError as {@link authorizeOrganization} and {@link authorizeGroup}
 */
export async function authorizePlace(
  store: StoreReader,
  actor: Actor,
  { orgId = actor.orgId, groupId }: { readonly orgId?: string | undefined; readonly groupId?: string | undefined },
  role: OrganizationRole | GroupRole,
): Promise<void> {
  if (groupId !== undefined) await authorizeGroup(store, actor, groupId, role as GroupRole | 'ORG_OWNER');
  else await authorizeOrganization(store, actor, orgId, role as OrganizationRole);
}

/**
 * The organization, if the actor has the role in it.
 * @throws UserError INVALID_ORG_ID, ORG_NOT_FOUND, USER_CANNOT_ACCESS_ORG, NOT_ORG_OWNER, NOT_ORG_GROUP_CREATOR, USER_UNAUTHORIZED
 */
export async function authorizeOrganization(
  store: StoreReader,
  actor: Actor,
  orgId: string,
  role: OrganizationRole,
): Promise<Organization> {
  if (!isId(orgId)) throw new UserError('INVALID_ORG_ID', [orgId]);
  const organization = await store.get('organizations', orgId);
  if (!organization || organization.deletedAtMs !== null) throw new UserError('ORG_NOT_FOUND', [orgId]);
  if (actor.orgId !== orgId) throw new UserError('USER_CANNOT_ACCESS_ORG', [orgId]);
  assertOrganizationRole(actor, role);
  return organization;
}

/**
 * The project, if the actor has the role in it or in its organization.
 * @throws UserError INVALID_GROUP_ID, GROUP_NOT_FOUND, USER_CANNOT_ACCESS_GROUP, NOT_ORG_OWNER, USER_UNAUTHORIZED
 */
export async function authorizeGroup(
  store: StoreReader,
  actor: Actor,
  groupId: string,
  role: 'ORG_OWNER' | 'ORG_MEMBER' | GroupRole,
): Promise<Group> {
  if (!isId(groupId)) throw new UserError('INVALID_GROUP_ID', [groupId]);
  const group = await store.get('groups', groupId);
  if (!group || group.deletedAtMs !== null) throw new UserError('GROUP_NOT_FOUND', [groupId]);
  if (actor.orgId !== group.orgId) throw new UserError('USER_CANNOT_ACCESS_GROUP', [groupId]);
  if (role === 'ORG_OWNER' || role === 'ORG_MEMBER') {
    assertOrganizationRole(actor, role);
  } else if (!grantsInGroup(actor, groupId, role)) {
    const sees = grantsInGroup(actor, groupId, 'GROUP_READ_ONLY');
    throw sees ? new UserError('USER_UNAUTHORIZED') : new UserError('USER_CANNOT_ACCESS_GROUP', [groupId]);
  }
  return group;
}

function assertOrganizationRole({ roles, orgId }: Actor, role: OrganizationRole): void {
  if (grantsInOrganization(roles, role)) return;
  if (role === 'ORG_OWNER') throw new UserError('NOT_ORG_OWNER', [orgId]);
  if (role === 'ORG_GROUP_CREATOR') throw new UserError('NOT_ORG_GROUP_CREATOR', [orgId]);
  throw new UserError('USER_UNAUTHORIZED');
}
