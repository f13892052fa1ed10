import type { Agent } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** An organization knows agents by their host: one that is linked anew takes the work of the former one over, whose key is dead from then on. */
export async function replaceAgent(transaction: StoreTransaction, old: Agent, successor: Agent): Promise<void> {
  const link = await transaction.link(old.linkId);
  if (link) await transaction.updateLink({ ...link, ended: 'superseded' });
  for (const migration of await transaction.activeMigrationsOfAgent(old.id)) {
    await transaction.updateMigration({ ...migration, agentId: successor.id });
  }
  for (const validation of await transaction.pendingValidationsOf(old.id)) {
    await transaction.updateValidation({ ...validation, agentId: successor.id });
  }
}
