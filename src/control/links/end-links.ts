import { linkedAgentsOf, openLinkTokensOf } from '../records/queries.ts';
import type { Agent } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { endWatchesOf } from './end-watches.ts';

/**
 * Ends all links and all unredeemed link-tokens of an organization, fails the pending validations of their agents, and ends their watches.
 * @returns the ended ones; the caller must wake the agents after the commit
 */
export async function endLinks(
  transaction: StoreTransaction,
  orgId: string,
  atMs: number,
): Promise<{ readonly linkTokenIds: readonly string[]; readonly links: number; readonly agents: readonly Agent[] }> {
  const tokens = await openLinkTokensOf(transaction, orgId);
  const links = await transaction.find('links', { orgId, ended: null });
  const agents = await linkedAgentsOf(transaction, orgId);
  for (const token of tokens) await transaction.update('linkTokens', { ...token, deletedAtMs: atMs });
  for (const link of links) await transaction.update('links', { ...link, ended: 'deleted' });
  for (const agent of agents) {
    await endWatchesOf(transaction, agent, 'the link of its agent was deleted after it watched until', atMs);
    for (const validation of await transaction.find('validations', { agentId: agent.id, status: 'PENDING' })) {
      const errorMessage = 'The link to the migration host was deleted before it answered.';
      await transaction.update('validations', { ...validation, status: 'FAILED', errorMessage, password: null });
    }
  }
  return { linkTokenIds: tokens.map(({ id }) => id), links: links.length, agents };
}
