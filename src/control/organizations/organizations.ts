import { newId, UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { type MadeApiKey, newApiKey } from '../accounts/api-keys.ts';
import {
  type MadeServiceAccount,
  newServiceAccount,
  type ServiceAccountRequest,
} from '../accounts/service-accounts.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { accountNamed, findOrganizations } from '../records/queries.ts';
import type { Organization } from '../records/records.ts';
import type { OrganizationRole } from '../records/roles.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** Organizations of a server, and those that descend from one that its first one has created. Owners of the first one have no limit. */
const MOST_ORGANIZATIONS = 250;
const MOST_OF_CREATOR = 50;

/** The organizations that the actor belongs to. */
export async function listOrganizations({ store }: Control, actor: Actor): Promise<Organization[]> {
  return [await authorizeOrganization(store, actor, actor.orgId, 'ORG_MEMBER')];
}

/** @throws UserError as {@link authorizeOrganization} */
export async function getOrganization({ store }: Control, actor: Actor, orgId: string): Promise<Organization> {
  return await authorizeOrganization(store, actor, orgId, 'ORG_MEMBER');
}

/** A new organization with an API key or a service account, without which no one could access it. */
export interface OrganizationRequest {
  readonly name: string;
  readonly apiKey?: { readonly description: string; readonly roles: readonly OrganizationRole[] };
  readonly serviceAccount?: ServiceAccountRequest;
}

export interface MadeOrganization {
  readonly organization: Organization;
  readonly apiKey?: MadeApiKey;
  readonly serviceAccount?: MadeServiceAccount;
}

/**
 * Creates an organization. The actor gets no access to it; only its own API key and service account do.
 * @throws UserError NEW_ORG_NEEDS_OWNER, ORG_LIMIT, and as {@link authorizeOrganization}
 */
export async function createOrganization(
  control: Control,
  actor: Actor,
  request: OrganizationRequest,
): Promise<MadeOrganization> {
  const nowMs = control.clock.now();
  const { name } = request;
  const orgId = newId(nowMs);
  const owners = [request.apiKey, request.serviceAccount].filter((each) => each?.roles.includes('ORG_OWNER'));
  return control.store.write(async (transaction) => {
    const creator = await authorizeOrganization(transaction, actor, actor.orgId, 'ORG_OWNER');
    if (owners.length === 0) throw new UserError('NEW_ORG_NEEDS_OWNER');
    const creatorId = await creatorFor(transaction, creator);
    const times = { createdAtMs: nowMs, deletedAtMs: null };
    const organization: Organization = { id: orgId, name, accessListRequired: false, creatorId, ...times };
    const apiKey = request.apiKey && newApiKey(control, { orgId, groupRoles: [], ...request.apiKey }, nowMs);
    const serviceAccount = request.serviceAccount && newServiceAccount(orgId, request.serviceAccount, nowMs);
    await transaction.insert('organizations', organization);
    if (apiKey) await transaction.insert('accounts', apiKey.key);
    if (serviceAccount) await transaction.insert('accounts', serviceAccount.account);
    await audit(transaction, actor, nowMs, { eventTypeName: 'ORG_CREATED', orgId, details: { name } });
    return { organization, apiKey, serviceAccount };
  });
}

/**
 * Returns the organization in whose quota a new one counts.
 * @throws UserError ORG_LIMIT
 */
async function creatorFor(store: StoreTransaction, { id, creatorId }: Organization): Promise<string> {
  if (creatorId === null) return id;
  const parent = await store.get('organizations', creatorId);
  const counted = parent?.creatorId === null ? id : creatorId;
  const all = await findOrganizations(store);
  const own = all.filter((one) => one.creatorId === counted);
  // rule: organization-limit
  if (all.length >= MOST_ORGANIZATIONS || own.length >= MOST_OF_CREATOR)
    throw new UserError('ORG_LIMIT', [String(own.length >= MOST_OF_CREATOR ? own.length : all.length)]);
  return counted;
}

/** @throws UserError as {@link authorizeOrganization} */
export async function renameOrganization(
  control: Control,
  actor: Actor,
  orgId: string,
  name: string,
): Promise<Organization> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    const organization = await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    const details = { name, formerName: organization.name };
    await transaction.update('organizations', { ...organization, name });
    await audit(transaction, actor, nowMs, { eventTypeName: 'ORG_RENAMED', orgId, details });
    return { ...organization, name };
  });
}

/**
 * Sets whether the organization refuses API keys and service accounts without an access list.
 * @throws UserError RESOURCE_REQUIRES_ACCESS_LIST if the actor would lock itself out, and as {@link authorizeOrganization}
 */
export async function requireAccessLists(
  control: Control,
  actor: Actor,
  orgId: string,
  accessListRequired: boolean,
): Promise<Organization> {
  const nowMs = control.clock.now();
  return control.store.write(async (transaction) => {
    const organization = await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    if (accessListRequired && (await listOf(transaction, actor)).length === 0) {
      throw new UserError('RESOURCE_REQUIRES_ACCESS_LIST', [actor.remoteAddress]);
    }
    await transaction.update('organizations', { ...organization, accessListRequired });
    const eventTypeName = `ORG_PUBLIC_API_ACCESS_LIST_${accessListRequired ? 'REQUIRED' : 'NOT_REQUIRED'}`;
    await audit(transaction, actor, nowMs, { eventTypeName, orgId });
    return { ...organization, accessListRequired };
  });
}

async function listOf(transaction: StoreTransaction, { kind, name }: Actor): Promise<readonly unknown[]> {
  return (await accountNamed(transaction, kind, name))?.accessList ?? [];
}
