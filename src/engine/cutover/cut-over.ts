import type { Timestamp } from 'mongodb';
import { messageOf, reach } from '../../platform/index.ts';
import { writeBarrier } from '../cluster/cluster-time.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import type { MigrationLog } from '../lifecycle/migration-log.ts';
import { convertUniqueIndexes, prepareUniqueIndexes, restoreExpiry } from './restore-catalog.ts';
import { settleCapped } from './settle-capped.ts';
import { canWriteThroughBlock, tryToBlockWrites, unblockWrites, writeBlockObstacles } from './write-block.ts';

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
  await waitForObstacles(context);
  if (!(await blockSource(context, log))) return false;

  const deadline = AbortSignal.timeout(LONGEST_PAUSE_MS);
  try {
    await reach('engine.cutover.source-blocked');
    await stream.inStepAt(await barrier(context), AbortSignal.any([context.signal, deadline]));
  } catch (error) {
    await reopenSource(context, log);
    if (!deadline.aborted) throw error;
    context.logger.warn('The destination did not come in step in time: the source is open again');
    return false;
  }
  await stream.stop();
  await settleCapped(context);
  await reach('engine.cutover.drained');
  await log.saveCutover({ committed: true });
  return true;
}

/** What follows the point of no return; goes on where a killed engine left it. */
export async function finishCutover(context: EngineContext, log: MigrationLog): Promise<void> {
  await reach('engine.cutover.committed');
  await prepareUniqueIndexes(context);
  await reach('engine.cutover.unique-prepared');
  if (await canWriteThroughBlock(context.destination)) {
    await context.retrier.run('the destination', () => unblockWrites(context.destination));
  }
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

async function barrier(context: EngineContext): Promise<Timestamp> {
  return await context.retrier.run('the source', () => writeBarrier(context.source));
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
  const blocked = await context.retrier.run('the source', () => tryToBlockWrites(context.source));
  if (blocked) await log.saveCutover({ sourceBlockedAtMs: context.clock.now() });
  else await reopenSource(context, log);
  return blocked;
}

async function reopenSource(context: EngineContext, log: MigrationLog): Promise<void> {
  try {
    await unblockWrites(context.source);
  } catch (error) {
    context.logger.error(
      { error: messageOf(error) },
      'The source may still refuse writes. Run there: db.adminCommand({setUserWriteBlockMode: 1, global: false})',
    );
    throw error;
  }
  await log.saveCutover({ blocking: false });
}
