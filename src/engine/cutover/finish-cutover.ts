import { failpoint } from '../../platform/index.ts';
import type { Migrated, RunContext } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { writesAreBlocked } from '../mongodb/write-block.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CutoverTimeline } from './cutover-timeline.ts';
import { openDestination } from './destination-block.ts';
import { findIndexesLeft } from './indexes-left.ts';
import { convertUniqueIndexes, restoreCatalog } from './restore-catalog.ts';
import { tellCommitted } from './source-block.ts';
import { unchangedCollections } from './unchanged-collections.ts';
import { watchAfterCommit } from './watch-after-commit.ts';

/** Does the work after the point of no return; resumes where a killed engine left it. */
export async function finishCutover(context: RunContext, log: MigrationLog, timeline: CutoverTimeline): Promise<void> {
  await failpoint('engine.cutover.committed');
  const { lacksSource: reason, logger } = context;
  if (reason === undefined) {
    // rule: note-of-commit
    const told = tellCommitted(context, log);
    await watchAfterCommit(context, log, () => openAndRestore(context, log, timeline));
    await told;
  } else {
    logger.warn(
      { event: 'cutover.finished_without_source', reason },
      'The cutover is finished without the source, which is not watched for late writes',
    );
    await openAndRestore(context, log, timeline);
  }
  timeline.end('COMMITTED');
  // `sync --once` ends without a cutover, and has no timeline.
  if (timeline.attempts.length > 0) await log.advanceCutover('destination opened', { timeline: timeline.attempts });
  await log.advance('finished');
}

async function openAndRestore(
  context: Clusters & Pace & Telling & Migrated,
  log: MigrationLog,
  timeline: CutoverTimeline,
): Promise<void> {
  timeline.begin('index restoration');
  const closed = log.record.blocksDestination ?? false;
  const isOpen = await hasOpened(context, log, closed);
  const own = isOpen ? await ownCollections(context, log) : [...context.tracked.values()];
  // rule: restore-catalog-before-opening
  timeline.count({ commands: await restoreCatalog(context, own) });
  await failpoint('engine.cutover.unique-prepared');
  timeline.begin('opening');
  // A block that was set on an open destination belongs to another client.
  // rule: leave-open-block
  if (closed && !isOpen) await openDestination(context);
  timeline.noteOpen();
  timeline.begin('unique conversion');
  if (log.record.cutover?.canWriteAtMs === undefined) {
    const canWriteAtMs = context.clock.now();
    await log.advanceCutover('destination opened', { canWriteAtMs, timeline: timeline.attempts });
  }
  await failpoint('engine.cutover.destination-open');
  await convertUniqueIndexes(context);
  const indexesLeft = await findIndexesLeft(context);
  // rule: report-left-indexes
  await log.advanceCutover('destination opened', { indexesLeft });
  timeline.begin('adoption');
  // rule: adopt-accounts
  if (context.movesAccounts) await context.retrier.run('the destination', () => context.accounts.adopt());
  timeline.begin('watch');
}

/** Whether users may have changed the destination: an earlier engine has opened it, or an operator has done it by hand. */
async function hasOpened(context: Clusters & Pace, log: MigrationLog, closed: boolean): Promise<boolean> {
  // rule: opening-on-record
  if (log.record.cutover?.canWriteAtMs !== undefined) return true;
  if (!closed || log.commitWasSent) return false;
  return (await context.retrier.run('the destination', () => writesAreBlocked(context.destination))) === false;
}

/**
 * Returns the collections of an open destination whose indexes are as the engine has left them, and perhaps not yet
 * restored. An engine opens a destination only when they are.
 */
async function ownCollections(
  context: Clusters & Pace & Telling & Migrated,
  { record: { cutover } }: MigrationLog,
): Promise<TrackedCollection[]> {
  // rule: restore-unchanged-collections
  return cutover?.canWriteAtMs === undefined ? await unchangedCollections(context, cutover?.writtenTo) : [];
}
