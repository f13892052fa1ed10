import type { MongoClient } from 'mongodb';
import { messageOf, reach } from '../../platform/index.ts';
import { NotNow } from '../cluster/failure-policy.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import type { MigrationLog } from '../lifecycle/migration-log.ts';
import { type BlockLimit, blockLimit, tryToBlockWrites, unblockWrites, writeBlockObstacles } from './write-block.ts';

const BETWEEN_LOOKS_MS = 500;

/**
 * Waits until nothing is in progress on the source that a block would wait for or abort.
 * @returns how long the block may take
 */
export async function untilBlockable({ retrier, source }: EngineContext): Promise<BlockLimit> {
  const look = async () => {
    const limit = await blockLimit(source);
    const obstacles = await writeBlockObstacles(source);
    if (obstacles.length > 0) throw new NotNow(obstacles.join(', '));
    return limit;
  };
  return await retrier.run('a moment in which the source can be blocked', look, BETWEEN_LOOKS_MS);
}

/**
 * Blocks users' writes on the source.
 * @returns the election of the primary that has the block; undefined when something got in the way after all, with the source open again
 */
export async function blockSource(
  context: EngineContext,
  log: MigrationLog,
  limit: BlockLimit,
): Promise<string | undefined> {
  const { source, fence, retrier } = context;
  await log.saveCutover({ blocking: true, attempts: (log.record.cutover?.attempts ?? 0) + 1 });
  await reach('engine.cutover.about-to-block');
  const blockedIn = await retrier.run('the source', async () => {
    await fence.confirm();
    const election = await electionOf(source);
    return (await tryToBlockWrites(source, limit.limitMs)) ? election : undefined;
  });
  if (blockedIn !== undefined) return blockedIn;
  await reopenSource(context, log);
  return undefined;
}

/**
 * Makes sure that the block will stay, once a barrier that was written after it has reached the majority. The block itself takes no write
 * concern, so another primary may never have heard of it, and would have taken writes before the barrier was written there.
 * @throws NotNow when there was an election in between
 */
export async function confirmBlock({ retrier, source }: EngineContext, blockedIn: string): Promise<void> {
  if ((await retrier.run('the source', () => electionOf(source))) === blockedIn) return;
  throw new NotNow('the source has elected another primary while it was being blocked');
}

async function electionOf(source: MongoClient): Promise<string> {
  return String((await source.db('admin').command({ hello: 1 })).electionId);
}

/** First act of an engine that finds a block it may have set: nobody else will lift it (§8.4). */
export async function settleOpenBlock(context: EngineContext, log: MigrationLog): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  context.logger.warn('A cutover was interrupted before its end: the source is opened again');
  await reopenSource(context, log);
}

/**
 * Last act of a run that ended in the middle of a cutover. Whether the point of no return was passed is asked by a write: the word that it was
 * may be on its way still, which a read would not see, and then the source must stay blocked.
 * @param within  aborts when it is to be left to the watchdog, or to whoever goes on with the migration
 */
export async function reopenAfterFailure(
  context: EngineContext,
  log: MigrationLog,
  within: AbortSignal,
): Promise<void> {
  const { cutover } = log.record;
  if (cutover === undefined || cutover.committed || !cutover.blocking) return;
  const retrier = context.retrier.but(within);
  try {
    if (!(await retrier.run('the destination', () => context.checkpoint.staysUncommitted()))) return;
    await retrier.run('the source, to open it again', () => unblockWrites(context.source));
    await retrier.run('the destination', () => log.saveLast({ cutover: { ...cutover, blocking: false } }));
  } catch (error) {
    tellHowToReopen(context, error);
  }
}

/**
 * Opens the source again, however long it takes.
 * @param noted  an earlier word of this cutover that may still be on its way to the record: the last one has to come after it
 */
export async function reopenSource(context: EngineContext, log: MigrationLog, noted?: Promise<void>): Promise<void> {
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
