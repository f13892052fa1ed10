import type { DatabaseSync } from 'node:sqlite';
import type { MigrationSample, StoreTransaction } from '../../control/index.ts';

/** The operations on samples of migrations. Their table has no ids: one migration may have 40,000 of them. */
export function samplesOn(database: DatabaseSync): Pick<StoreTransaction, 'samplesOf' | 'putSample' | 'deleteSamples'> {
  const list = database.prepare(
    'SELECT at_ms, figures FROM migration_samples WHERE migration_id = ? AND span_ms = ? AND at_ms > ? ORDER BY part',
  );
  const put = database.prepare('INSERT OR REPLACE INTO migration_samples VALUES (?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM migration_samples WHERE span_ms = ? AND at_ms <= ?');
  return {
    samplesOf: async (migrationId, spanMs, afterMs) =>
      list.all(migrationId, spanMs, afterMs).map(
        ({ at_ms: atMs, figures }): MigrationSample => ({
          migrationId,
          spanMs,
          atMs: Number(atMs),
          figures: JSON.parse(String(figures)),
        }),
      ),
    putSample: async ({ migrationId, spanMs, atMs, figures }) => {
      put.run(migrationId, spanMs, Math.floor(atMs / spanMs), atMs, JSON.stringify(figures));
    },
    deleteSamples: async (spanMs, untilMs) => {
      remove.run(spanMs, untilMs);
    },
  };
}
