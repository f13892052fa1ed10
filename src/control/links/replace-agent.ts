import type { Agent } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/**
 * Replaces an agent by a newly linked one with the same host name, which takes over its work: active migrations, watches of sources after the
 * commit, and validations. The old agent's key is invalid from then on. The successor stands by for the agents that the old one stood by for, unless its own
 * token is for several hosts.
 */
export async function replaceAgent(transaction: StoreTransaction, old: Agent, successor: Agent): Promise<void> {
  const link = await transaction.get('links', old.linkId);
  if (link) {
    await transaction.update('links', { ...link, ended: 'superseded' });
    await joinSet(transaction, successor, link.setId);
  }
  const active = await transaction.find('migrations', { agentId: old.id, isActive: true });
  const watched = await transaction.find('migrations', { agentId: old.id, isWatched: true });
  // rule: move-watches
  for (const migration of [...active, ...watched]) {
    await transaction.update('migrations', { ...migration, agentId: successor.id });
  }
  for (const validation of await transaction.find('validations', { agentId: old.id, status: 'PENDING' })) {
    await transaction.update('validations', { ...validation, agentId: successor.id });
  }
}

async function joinSet(transaction: StoreTransaction, agent: Agent, setId: string): Promise<void> {
  const link = await transaction.get('links', agent.linkId);
  const token = link && (await transaction.get('linkTokens', link.tokenId));
  // rule: successor-joins-set
  if (link && token?.hosts === 1) await transaction.update('links', { ...link, setId });
}
