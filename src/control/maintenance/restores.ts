import { newId } from '../../platform/index.ts';
import { type Audited, audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { accountsOf, findOrganizations, lastRestore, linkedAgentsOf, openLinkTokensOf } from '../records/queries.ts';
import type { Agent, ApiKey, Link, Organization, Restore, ServiceAccount } from '../records/records.ts';
import type { StoreReader, StoreTransaction } from '../records/store-port.ts';

/** Credentials that stay valid after a restore, although they may have been revoked since the backup. */
export interface CredentialsOfOrganization {
  readonly organization: Organization;
  readonly apiKeys: readonly ApiKey[];
  readonly serviceAccounts: readonly ServiceAccount[];
  readonly agents: readonly Agent[];
}

/**
 * Handles a restored store in one transaction. It ends all unredeemed link-tokens and all links that wait for approval. The new
 * {@link Restore} invalidates all access tokens. API keys, service accounts and links stay valid, and the audit lists them for a review.
 * Must run before the server answers any request. Does nothing if the store continues from its last write.
 */
export async function settleRestore({ store, clock }: Pick<Control, 'store' | 'clock'>): Promise<void> {
  const { putBack: reason } = store;
  if (reason === null) return;
  const nowMs = clock.now();
  await store.write(async (transaction) => {
    const number = ((await lastRestore(transaction))?.number ?? 0) + 1;
    const restore: Restore = { id: newId(nowMs), number, reason, acknowledgedAtMs: null, createdAtMs: nowMs };
    await transaction.insert('restores', restore);
    const eventTypeName = 'STORE_RESTORED';
    const about = { restoreId: restore.id, reason };
    for (const credentials of await credentialsToReview(transaction)) {
      const orgId = credentials.organization.id;
      const ended = await endOpenEntries(transaction, orgId, nowMs);
      const details = { ...about, ...ended, ...namesOf(credentials) };
      await audit(transaction, SYSTEM, nowMs, { eventTypeName, orgId, details });
    }
    await audit(transaction, SYSTEM, nowMs, { eventTypeName, orgId: '', details: about });
  });
}

/** Restores whose review no operator has acknowledged. */
export async function unacknowledgedRestores(store: StoreReader): Promise<Restore[]> {
  return await store.find('restores', { acknowledgedAtMs: null });
}

/** Reads the credentials to review after a restore, by organization. */
export async function credentialsToReview(store: StoreReader): Promise<CredentialsOfOrganization[]> {
  const all = [];
  for (const organization of await findOrganizations(store)) {
    const { id } = organization;
    all.push({
      organization,
      apiKeys: await accountsOf(store, id, 'API_KEY'),
      serviceAccounts: await accountsOf(store, id, 'SERVICE_ACCOUNT'),
      agents: await linkedAgentsOf(store, id),
    });
  }
  return all;
}

/**
 * Records that an operator has reviewed the credentials, for all restores that wait for it.
 * @returns the number of these restores
 */
export async function acknowledgeRestores({ store, clock }: Pick<Control, 'store' | 'clock'>): Promise<number> {
  const nowMs = clock.now();
  return store.write(async (transaction) => {
    const organizations = await findOrganizations(transaction);
    const waiting = await unacknowledgedRestores(transaction);
    for (const restore of waiting) {
      await transaction.update('restores', { ...restore, acknowledgedAtMs: nowMs });
      const change = { eventTypeName: 'STORE_RESTORE_ACKNOWLEDGED', details: { restoreId: restore.id } };
      const places = [...organizations.map(({ id }) => id), ''];
      for (const orgId of places) await audit(transaction, SYSTEM, nowMs, { ...change, orgId });
    }
    return waiting.length;
  });
}

/** Ends entries that may have been redeemed, refused or deleted since the backup. */
async function endOpenEntries(
  transaction: StoreTransaction,
  orgId: string,
  atMs: number,
): Promise<{ readonly endedLinkTokenIds: readonly string[]; readonly endedLinkIds: readonly string[] }> {
  const tokens = await openLinkTokensOf(transaction, orgId);
  for (const token of tokens) await transaction.update('linkTokens', { ...token, deletedAtMs: atMs });
  const pending: Link[] = (await transaction.find('links', { orgId, ended: null })).filter(({ approved }) => !approved);
  for (const link of pending) await transaction.update('links', { ...link, ended: 'deleted' });
  return { endedLinkTokenIds: tokens.map(({ id }) => id), endedLinkIds: pending.map(({ id }) => id) };
}

function namesOf({ apiKeys, serviceAccounts, agents }: CredentialsOfOrganization): Audited['details'] {
  return {
    apiKeysToReview: apiKeys.map(({ name }) => name),
    serviceAccountsToReview: serviceAccounts.map(({ name }) => name),
    migrationHostsToReview: agents.map(({ host }) => host),
  };
}
