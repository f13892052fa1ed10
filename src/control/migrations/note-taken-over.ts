import type { Agent } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { contactOfMigration } from './migration-contact.ts';
import { isNotedAsTakenOver, takenOverWarning } from './taken-over-warning.ts';

/**
 * Adds a warning to the last progress of a migration that its agent has lost to another engine. Ignored while an agent
 * reports the migration: of two agents with one key, the one that has it reports it. The next report replaces the
 * warning.
 * @param agent  as it is after this report
 */
export async function noteTakenOver(
  transaction: StoreTransaction,
  agent: Agent,
  migrationId: string,
  atMs: number,
): Promise<void> {
  const migration = await transaction.get('migrations', migrationId);
  if (migration?.agentId !== agent.id || migration.state.endedAtMs !== null || migration.progress === null) return;
  // rule: report-takeover-once
  if (!contactOfMigration(migration, agent, atMs).isLeftOut) return;
  const { progress } = migration;
  if (isNotedAsTakenOver(migration)) return;
  await transaction.update('migrations', {
    ...migration,
    progress: { ...progress, warnings: [...progress.warnings, takenOverWarning(migrationId)] },
  });
}
