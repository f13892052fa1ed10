import type { RunContext } from '../collections/context.ts';
import { markSuspect } from '../collections/suspicion.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { MigrationLog } from '../records/migration-log.ts';

/**
 * Marks collections as suspect, and records the loss for this run and its successors.
 * @param concerned  selects the collections of which changes may be missing; all by default
 */
export async function declareMissed(
  context: RunContext,
  log: MigrationLog,
  reason: string,
  concerned?: (collection: TrackedCollection) => boolean,
): Promise<void> {
  const { clock, logger, seen, tracked } = context;
  const marked = await markSuspect(context, concerned);
  if (concerned !== undefined && marked.length === 0) return;
  for (const { filter, namespace } of concerned === undefined ? [] : marked) if (filter === null) seen.note(namespace);
  const { declared } = log.record.repairs ?? { declared: 0 };
  const collections = [...tracked.values()].filter(({ suspicion }) => suspicion !== null).length;
  const repairs = { declared: declared + 1, atMs: clock.now(), reason, collections };
  logger.warn(
    { event: 'verification.changes_missed', ...repairs },
    'Changes of the source were missed: collections are compared and repaired',
  );
  await log.save({ repairs });
}
