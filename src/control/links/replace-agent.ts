import type { Agent } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/**
 * Replaces an agent by a newly linked one with the same host name, which takes over its work: active migrations, watches of sources after the
 * commit, and validations. The old agent's key is invalid from then on.
 */
export async function replaceAgent(transaction: StoreTransaction, old: Agent, successor: Agent): Promise<void> {
  const link = await transaction.link(old.linkId);
  if (link) await transaction.updateLink({ ...link, ended: 'superseded' });
  const active = await transaction.activeMigrationsOfAgent(old.id);
  const watched = await transaction.watchedMigrationsOfAgent(old.id);
  // rule: move-watches
  for (const migration of [...active, ...watched]) {
    await transaction.updateMigration({ ...migration, agentId: successor.id });
  }
  for (const validation of await transaction.pendingValidationsOf(old.id)) {
    await transaction.updateValidation({ ...validation, agentId: successor.id });
  }
}
