import type { Logger } from '../../platform/index.ts';
import type { AuditRecord } from '../records/records.ts';
import type { Store } from '../records/store-port.ts';

/** Wraps a store so that the log has a line for each audit record about a migration, once it is committed. */
export function withChangesLogged(store: Store, logger: Logger): Store {
  const write: Store['write'] = async (work) => {
    const records: AuditRecord[] = [];
    const result = await store.write((transaction) =>
      work({
        ...transaction,
        appendAuditRecord: async (record) => {
          await transaction.appendAuditRecord(record);
          if (record.eventTypeName.startsWith('LIVE_MIGRATION_')) records.push(record);
        },
      }),
    );
    // rule: log-after-commit
    for (const { eventTypeName: change, actorName: by, details } of records) {
      const { liveMigrationId: migrationId, ...more } = details;
      if (migrationId === undefined) continue;
      logger.info({ event: 'migration.changed', migrationId, change, by, details: more }, 'a migration has changed');
    }
    return result;
  };
  return { ...store, write };
}
