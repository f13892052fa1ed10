import type { Labels } from '../../contract/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { Migration } from '../records/records.ts';
import { labelDetails } from './migration-order.ts';
import { findMigration } from './migrations.ts';

/**
 * Replaces the labels and the note of a migration, also of one that has ended.
 * @param note  undefined leaves it as it is, null removes it
 * @throws UserError as {@link findMigration}
 */
export async function labelMigration(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  { labels, note }: { readonly labels: Labels; readonly note?: string | null },
): Promise<Migration> {
  const nowMs = control.clock.now();
  return await control.store.write(async (transaction) => {
    const record = await findMigration(transaction, actor, groupId, migrationId, 'ORG_OWNER');
    const changed = { ...record, labels, note: note === undefined ? record.note : note, updatedAtMs: nowMs };
    await transaction.update('migrations', changed);
    await audit(transaction, actor, nowMs, {
      eventTypeName: 'LIVE_MIGRATION_LABELS_SET',
      orgId: record.orgId,
      groupId,
      details: { liveMigrationId: migrationId, ...labelDetails(changed) },
    });
    return changed;
  });
}
