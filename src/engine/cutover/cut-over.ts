import type { Timestamp } from 'mongodb';
import { messageOf, reach, UserError } from '../../platform/index.ts';
import { writeBarrier } from '../cluster/cluster-time.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import type { MigrationLog } from '../lifecycle/migration-log.ts';
import { confirmDestination } from './confirm-destination.ts';
import { blocksDestination, openDestination } from './destination-block.ts';
import { convertUniqueIndexes, prepareUniqueIndexes, restoreExpiry } from './restore-catalog.ts';
import { settleCapped } from './settle-capped.ts';
import { startWatchdog } from './watchdog.ts';
import { tryToBlockWrites, unblockWrites, writeBlockObstacles } from './write-block.ts';

/** The longest that users may be kept from writing before the attempt is given up and traffic goes on [51]. */
const LONGEST_PAUSE_MS = 60_000;
const BETWEEN_TRIES_MS = 500;

/** What the cutover needs of the running stream. */
export interface RunningStream {
  /** Resolves when all that precedes the time is on the destination, and nothing is being copied or indexed. */
  inStepAt(time: Timestamp, signal: AbortSignal): Promise<void>;
  /** Has the stream report its position at short intervals until disposed: notes wake nobody. */
  hurry(): Disposable;
  /** Ends taking changes. */
  stop(): Promise<void>;
  /**
   * A last look at a source whose catalog has to stand still, after `stop`: that it did. @param quiet  whether documents had to, too
   * @throws UserError CATALOG_CHANGED, SOURCE_STILL_WRITTEN
   */
  confirmCatalog(options: { readonly quiet: boolean }): Promise<void>;
}

/**
 * Cuts over: blocks the source, drains to a barrier, opens the destination. Until the point of no return everything can be taken back,
 * for the destination has only followed. The source stays blocked afterwards: never two writable sides (§8.4).
 * @returns false when it was given up for now, with the source open again
 */
export async function cutOver(context: EngineContext, log: MigrationLog, stream: RunningStream): Promise<boolean> {
  using _ = stream.hurry();
  await log.enter('committing', 'cutover');
  await log.saveCutover({});
  await stream.inStepAt(await barrier(context), context.signal);
  if (context.movesAccounts) await context.accounts.bringOver(context.retrier);
  const isWhole = context.selection.isWhole && context.documentFilters.isEmpty;
  using _watchdog = isWhole && context.sourceFeatures.blocksWrites ? await startWatchdog(context, log) : undefined;
  if (!isWhole || !context.sourceFeatures.blocksWrites) {
    await drainWithoutBlock(context, stream);
    if (context.movesAccounts) await context.accounts.bringOver(context.retrier);
  } else if (!(await drainUnderBlock(context, log, stream))) return false;
  await stream.stop();
  await settleCapped(context);
  await confirmDestination(context);
  await reach('engine.cutover.drained');
  await stream.confirmCatalog({ quiet: true });
  await log.saveCutover({ committed: true });
  return true;
}

async function drainUnderBlock(context: EngineContext, log: MigrationLog, stream: RunningStream): Promise<boolean> {
  await waitForObstacles(context);
  if (!(await blockSource(context, log))) return false;
  const deadline = AbortSignal.timeout(LONGEST_PAUSE_MS);
  let noted: Promise<void> | undefined;
  try {
    await reach('engine.cutover.source-blocked');
    noted = log.saveCutover({ sourceBlockedAtMs: context.clock.now() });
    noted.catch(() => undefined); // Seen below.
    // Users wait from here on, so what need not come one after the other does not.
    const drained = barrier(context, deadline).then((time) =>
      stream.inStepAt(time, AbortSignal.any([context.signal, deadline])),
    );
    const compared = bringOverAccounts(context, deadline);
    const ended = Promise.allSettled([drained, endsBefore(deadline, noted), compared]);
    const failed = (await ended).find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return true;
  } catch (error) {
    await reopenSource(context, log, noted);
    if (!deadline.aborted) throw error;
    context.logger.warn('The destination did not come in step in time: the source is open again');
    return false;
  }
}

/** Most of them came over before the pause; what changed since then has to, too. The block does not keep anybody from changing users. */
async function bringOverAccounts(context: EngineContext, deadline: AbortSignal): Promise<void> {
  if (!context.movesAccounts) return;
  await context.accounts.bringOver(context.retrier.until(deadline));
}

/**
 * The block covers a whole cluster, and a part of it was asked for: applications of the rest go on; or the source has no block. Whoever
 * asks for the cutover has stopped the writers of the selection, as with mongosync; that they are silent is made sure between two barriers.
 * @throws UserError SOURCE_STILL_WRITTEN when they are not
 */
async function drainWithoutBlock(context: EngineContext, stream: RunningStream): Promise<void> {
  await stream.inStepAt(await barrier(context), context.signal);
  const before = context.counters.concerned;
  await stream.inStepAt(await barrier(context), context.signal);
  if (context.counters.concerned > before)
    throw new UserError('SOURCE_STILL_WRITTEN', [context.checkpoint.migrationId]);
}

/** What follows the point of no return; goes on where a killed engine left it. */
export async function finishCutover(context: EngineContext, log: MigrationLog): Promise<void> {
  await reach('engine.cutover.committed');
  const [closed] = await Promise.all([blocksDestination(context), prepareUniqueIndexes(context)]);
  await reach('engine.cutover.unique-prepared');
  if (closed) await openDestination(context);
  if (log.record.cutover?.canWriteAtMs === undefined) await log.saveCutover({ canWriteAtMs: context.clock.now() });
  await reach('engine.cutover.destination-open');
  await convertUniqueIndexes(context);
  await restoreExpiry(context);
  await log.enter('committed');
}

/** First act of an engine that finds a block it may have set: nobody else will lift it (§8.4). */
export async function settleOpenBlock(context: EngineContext, log: MigrationLog): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  context.logger.warn('A cutover was interrupted before its end: the source is opened again');
  await reopenSource(context, log);
}

async function barrier(context: EngineContext, deadline?: AbortSignal): Promise<Timestamp> {
  const retrier = deadline === undefined ? context.retrier : context.retrier.until(deadline);
  return await retrier.run('the source', () => writeBarrier(context.source));
}

/** Users are waiting: whatever is not over by the deadline is not waited for, though it goes on. @throws the deadline's reason */
async function endsBefore(deadline: AbortSignal, work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(deadline.reason);
  deadline.addEventListener('abort', onAbort, { once: true });
  await Promise.race([work, late]).finally(() => deadline.removeEventListener('abort', onAbort));
}

async function waitForObstacles(context: EngineContext): Promise<void> {
  while (true) {
    const obstacles = await context.retrier.run('the source', () => writeBlockObstacles(context.source));
    if (obstacles.length === 0) return;
    context.logger.warn({ obstacles }, 'Cutover waits');
    await context.clock.sleep(BETWEEN_TRIES_MS, context.signal);
    context.signal.throwIfAborted();
  }
}

async function blockSource(context: EngineContext, log: MigrationLog): Promise<boolean> {
  await log.saveCutover({ blocking: true });
  await reach('engine.cutover.about-to-block');
  const blocked = await context.retrier.run('the source', async () => {
    await context.fence.confirm();
    return await tryToBlockWrites(context.source);
  });
  if (!blocked) await reopenSource(context, log);
  return blocked;
}

/**
 * Last act of a run that ended in the middle of a cutover. Whether the point of no return was passed is read anew: the word that it was may
 * have got there and its acknowledgement not, and then the source must stay blocked.
 */
export async function reopenAfterFailure(context: EngineContext, log: MigrationLog): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  try {
    await context.fence.confirm();
    if ((await context.checkpoint.peek())?.cutover?.committed) return;
    await unblockWrites(context.source);
    await log.saveLast({ cutover: { ...cutover, blocking: false } });
  } catch (error) {
    tellHowToReopen(context, error);
  }
}

/**
 * Opens the source again, however long it takes.
 * @param noted  an earlier word of this cutover that may still be on its way to the record: the last one has to come after it
 */
async function reopenSource(context: EngineContext, log: MigrationLog, noted?: Promise<void>): Promise<void> {
  let told = false;
  await context.retrier.run('the source, to open it again', async () => {
    try {
      await context.fence.confirm();
      await unblockWrites(context.source);
    } catch (error) {
      if (!told) tellHowToReopen(context, error);
      told = true;
      throw error;
    }
  });
  await noted;
  await log.saveCutover({ blocking: false });
}

function tellHowToReopen(context: EngineContext, error: unknown): void {
  context.logger.error(
    { error: messageOf(error) },
    'The source may still refuse writes. If nothing goes on with the migration, run there: db.adminCommand({setUserWriteBlockMode: 1, global: false})',
  );
}
