import { formatLinkToken, hashSecret, newLinkToken } from '../../link/index.ts';
import { failpoint, UserError } from '../../platform/index.ts';
import { authorizeOrganization } from '../accounts/actor.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { countRedeemable } from '../records/queries.ts';
import type { StoredLinkToken } from '../records/records.ts';

/** The limit of `linkspan serve` for an organization. All its tokens are deleted in one transaction, for which other organizations wait. */
export const MOST_LINK_TOKENS = 500;

/**
 * Creates a link-token of the organization. Several may be open at the same time, such as one for each source.
 * @param accessListIps  addresses and blocks from which agents may connect; empty for any
 * @param host           the only host that may redeem it, which may replace a linked agent of that name; null for any
 * @param hosts          how many agents may redeem it, which stand by for each other
 * @returns the token's text, which is never shown again
 * @throws UserError LINK_TOKEN_LIMIT, and as {@link authorizeOrganization}
 */
export async function createLinkToken(
  control: Control,
  actor: Actor,
  orgId: string,
  { accessListIps, host, hosts }: Pick<StoredLinkToken, 'accessListIps' | 'host' | 'hosts'>,
): Promise<string> {
  const nowMs = control.clock.now();
  const token = newLinkToken(
    { serverUrl: control.publicUrl(), keyPin: control.keyPin?.(), serverKey: control.serverKeys.publicKeys[0] },
    nowMs,
  );
  const { linkTokenLifetimeMs, mostLinkTokens } = control;
  await control.store.write(async (transaction) => {
    await authorizeOrganization(transaction, actor, orgId, 'ORG_OWNER');
    // rule: most-link-tokens
    if (mostLinkTokens !== undefined && (await countRedeemable(transaction, orgId, nowMs)) >= mostLinkTokens)
      throw new UserError('LINK_TOKEN_LIMIT', [orgId, String(mostLinkTokens)]);
    await transaction.insert('linkTokens', {
      id: token.id,
      orgId,
      secretHash: hashSecret(token.secret),
      accessListIps,
      host,
      hosts,
      createdBy: actor.name,
      createdAtMs: nowMs,
      expiresAtMs: linkTokenLifetimeMs === undefined ? null : nowMs + linkTokenLifetimeMs,
      redeemedAtMs: null,
      deletedAtMs: null,
    });
    const forHosts = { ...(host !== null && { migrationHost: host }), ...(hosts > 1 && { hosts }) };
    const details = { linkTokenId: token.id, accessListIps, ...forHosts };
    await audit(transaction, actor, nowMs, { eventTypeName: 'LINK_TOKEN_CREATED', orgId, details });
  });
  await failpoint('control.link-token.committed');
  return formatLinkToken(token);
}
