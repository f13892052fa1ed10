import type { Where, Window } from './query.ts';
import type {
  Account,
  Agent,
  AuditRecord,
  Cluster,
  DestinationUser,
  Group,
  Migration,
  Organization,
  Restore,
  StoredLinkToken,
  Validation,
} from './records.ts';
import { findOne, type StoreReader, type StoreTransaction } from './store-port.ts';

/** Finds the organizations that are not deleted. */
export function findOrganizations(store: StoreReader): Promise<Organization[]> {
  return store.find('organizations', { deletedAtMs: null });
}

/** The accounts of a kind. */
type AccountOf<K extends Account['kind']> = Extract<Account, { readonly kind: K }>;

/** Finds the API keys or the service accounts of an organization. */
export async function accountsOf<K extends Account['kind']>(
  store: StoreReader,
  orgId: string,
  kind: K,
): Promise<AccountOf<K>[]> {
  return (await store.find('accounts', { kind, orgId })) as AccountOf<K>[];
}

/** Finds an API key by its public key, or a service account by its client id. */
export async function accountNamed<K extends Account['kind']>(
  store: StoreReader,
  kind: K,
  name: string,
): Promise<AccountOf<K> | undefined> {
  return (await findOne(store, 'accounts', { kind, name })) as AccountOf<K> | undefined;
}

/** Finds the groups of an organization that are not deleted. */
export function groupsOf(store: StoreReader, orgId: string): Promise<Group[]> {
  return store.find('groups', { orgId, deletedAtMs: null });
}

/** Finds the clusters of a group that are not deleted. */
export function clustersOf(store: StoreReader, groupId: string): Promise<Cluster[]> {
  return store.find('clusters', { groupId, deletedAtMs: null });
}

/** Finds a cluster that is not deleted by its name. */
export function clusterNamed(store: StoreReader, groupId: string, name: string): Promise<Cluster | undefined> {
  return findOne(store, 'clusters', { groupId, name, deletedAtMs: null });
}

const OPEN = { redeemedAtMs: null, deletedAtMs: null } as const;

/** Finds the link-tokens that are neither redeemed nor deleted, including expired ones. */
export function openLinkTokensOf(store: StoreReader, orgId: string): Promise<StoredLinkToken[]> {
  return store.find('linkTokens', { orgId, ...OPEN });
}

/** Counts the link-tokens that can be redeemed at a time. */
export async function countRedeemable(store: StoreReader, orgId: string, atMs: number): Promise<number> {
  const lasting = await store.count('linkTokens', { orgId, ...OPEN, expiresAtMs: null });
  return lasting + (await store.count('linkTokens', { orgId, ...OPEN, expiresAtMs: { gt: atMs } }));
}

/**
 * Redeems a link-token for one more agent, if it is open and has not expired. Returns whether it did. The caller inserts
 * the link in the same transaction.
 */
export async function markRedeemed(transaction: StoreTransaction, id: string, atMs: number): Promise<boolean> {
  const token = await transaction.get('linkTokens', id);
  if (token === undefined || token.redeemedAtMs !== null || token.deletedAtMs !== null) return false;
  if (token.expiresAtMs !== null && token.expiresAtMs <= atMs) return false;
  // rule: hosts-of-token
  const isLast = (await transaction.count('links', { tokenId: id })) + 1 >= token.hosts;
  if (isLast) await transaction.update('linkTokens', { ...token, redeemedAtMs: atMs });
  return true;
}

/** Finds the agents whose link is approved and has not ended. */
export async function linkedAgentsOf(store: StoreReader, orgId: string): Promise<Agent[]> {
  const links = await store.find('links', { orgId, ended: null, approved: true });
  return await store.find('agents', { linkId: { in: links.map(({ id }) => id) } });
}

/** Finds the newest validation into a cluster of that name, even a deleted one, that has not failed. */
export async function lastValidationInto(
  store: StoreReader,
  groupId: string,
  clusterName: string,
): Promise<Validation | undefined> {
  const clusters = await store.find('clusters', { groupId, name: clusterName });
  const where: Where<'validations'> = {
    groupId,
    status: { in: ['PENDING', 'SUCCESS'] },
    destinationClusterId: { in: clusters.map(({ id }) => id) },
  };
  return (await store.find('validations', where, { reverse: true, limit: 1 }))[0];
}

/** Finds the migrations that have not ended before a time: first those that have not ended at all, then the newest. */
export async function migrationsSince(store: StoreReader, timeMs: number, limit: number): Promise<Migration[]> {
  const active = await store.find('migrations', { isActive: true }, { reverse: true, limit });
  const where = { isActive: false, endedAtMs: { gte: timeMs } };
  return [...active, ...(await store.find('migrations', where, { reverse: true, limit: limit - active.length }))];
}

/** Finds the users on destinations that are `wanted`, `renewed` or `made`. */
export function standingDestinationUsers(store: StoreReader): Promise<DestinationUser[]> {
  return store.find('destinationUsers', { state: { in: ['wanted', 'renewed', 'made'] } });
}

export async function lastRestore(store: StoreReader): Promise<Restore | undefined> {
  return (await store.find('restores', {}, { reverse: true, limit: 1 }))[0];
}

export async function lastAuditRecord(store: StoreReader): Promise<AuditRecord | undefined> {
  return (await store.find('auditRecords', {}, { reverse: true, limit: 1 }))[0];
}

/** Finds the next audit records after a sequence number, of all organizations. */
export function auditRecordsAfter(store: StoreReader, sequence: number, limit: number): Promise<AuditRecord[]> {
  return store.find('auditRecords', { sequence: { gt: sequence } }, { limit });
}

/** Selects audit records of an organization. */
export interface AuditFilter {
  readonly orgId: string;
  readonly groupId?: string;
  readonly eventTypeNames?: readonly string[];
  /** Public key of an API key, client id of a service account, or host name of an agent. */
  readonly actorName?: string;
  /** Only records with one of these details, and with this id in it: as its value, or in its list. */
  readonly target?: { readonly details: readonly string[]; readonly id?: string };
  /** Only records of this time, in milliseconds since 1970; both ends included. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Finds matching audit records, newest first. */
export function findAuditRecords(
  store: StoreReader,
  filter: AuditFilter,
  window: Pick<Window<'auditRecords'>, 'skip' | 'limit'>,
): Promise<AuditRecord[]> {
  return store.find('auditRecords', conditionsOf(filter), { ...window, reverse: true });
}

export function countAuditRecords(store: StoreReader, filter: AuditFilter): Promise<number> {
  return store.count('auditRecords', conditionsOf(filter));
}

function conditionsOf(filter: AuditFilter): Where<'auditRecords'> {
  const { orgId, groupId, eventTypeNames, actorName, target, fromMs, untilMs } = filter;
  const isInTime = { ...(fromMs !== undefined && { gte: fromMs }), ...(untilMs !== undefined && { lte: untilMs }) };
  return {
    orgId,
    ...(groupId !== undefined && { groupId }),
    ...(eventTypeNames !== undefined && { eventTypeName: { in: eventTypeNames } }),
    ...(actorName !== undefined && { actorName }),
    ...(target !== undefined && { details: { hasEntry: { names: target.details, value: target.id } } }),
    createdAtMs: isInTime,
  };
}
