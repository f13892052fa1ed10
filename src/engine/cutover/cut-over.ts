import type { Timestamp } from 'mongodb';
import { messageOf, reach, UserError } from '../../platform/index.ts';
import { writeBarrier } from '../cluster/cluster-time.ts';
import { NotNow } from '../cluster/failure-policy.ts';
import { type EngineContext, within } from '../lifecycle/context.ts';
import type { MigrationLog } from '../lifecycle/migration-log.ts';
import { confirmDestination } from './confirm-destination.ts';
import { hasBlocked, openDestination } from './destination-block.ts';
import { convertUniqueIndexes, prepareUniqueIndexes, restoreExpiry } from './restore-catalog.ts';
import { settleCapped } from './settle-capped.ts';
import { blockSource, confirmBlock, reopenSource, untilBlockable } from './source-block.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** The longest that users may be kept from writing before the attempt is given up and traffic goes on [51]. */
const LONGEST_PAUSE_MS = 60_000;

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
 * @param calledOff  aborts when the operator gives the migration up, which ends the attempt at any moment before its last word
 * @returns false when it was given up for now, with the source open again
 */
export async function cutOver(
  context: EngineContext,
  log: MigrationLog,
  stream: RunningStream,
  calledOff: AbortSignal,
): Promise<boolean> {
  using resources = new DisposableStack();
  resources.use(stream.hurry());
  await log.enter('committing', 'cutover');
  await log.saveCutover({});
  const attempt = within(context, calledOff);
  try {
    await stream.inStepAt(await barrier(attempt), attempt.signal);
    await bringOverAccounts(attempt);
    if (context.selection.isWhole && context.documentFilters.isEmpty && context.sourceFeatures.blocksWrites) {
      await untilBlockable(attempt);
      const watchdog = resources.use(await startWatchdog(context, log));
      if (!(await drainUnderBlock(context, log, stream, { calledOff, watchdog }))) return false;
      await stream.stop();
    } else {
      await drainWithoutBlock(attempt, stream);
      await bringOverAccounts(attempt);
      await stream.stop();
      await settleCapped(attempt);
      await confirmDestination(attempt);
    }
    await reach('engine.cutover.drained');
    await stream.confirmCatalog({ quiet: true });
    await log.saveCutover({ committed: true });
    return true;
  } catch (error) {
    if (error !== calledOff.reason) throw error;
    return false;
  }
}

async function drainUnderBlock(
  context: EngineContext,
  log: MigrationLog,
  stream: RunningStream,
  { calledOff, watchdog }: { readonly calledOff: AbortSignal; readonly watchdog: Watchdog },
): Promise<boolean> {
  const blockedIn = await blockSource(context, log);
  if (blockedIn === undefined) return false;
  let noted: Promise<void> | undefined;
  const late = context.clock.timeout(LONGEST_PAUSE_MS);
  try {
    await reach('engine.cutover.source-blocked');
    noted = log.saveCutover({ sourceBlockedAtMs: context.clock.now() });
    noted.catch(() => undefined); // Seen below.
    await drain(within(context, AbortSignal.any([late, calledOff])), stream, { blockedIn, noted });
    // Not within the deadline: a capped collection that has to be copied anew takes its time, of which preflight has warned.
    const rest = within(context, calledOff);
    await settleCapped(rest, () => watchdog.keepQuiet());
    await confirmDestination(rest);
    return true;
  } catch (error) {
    await reopenSource(context, log, noted);
    if (error !== late.reason && error !== calledOff.reason && !(error instanceof NotNow)) throw error;
    context.logger.warn({ reason: messageOf(error) }, 'The cutover was given up for now: the source is open again');
    return false;
  }
}

/** Users wait meanwhile, so what need not come one after the other does not. @param pause  ends at the deadline */
async function drain(
  pause: EngineContext,
  stream: RunningStream,
  { blockedIn, noted }: { readonly blockedIn: string; readonly noted: Promise<void> },
): Promise<void> {
  const time = barrier(pause);
  const drained = time.then((end) => stream.inStepAt(end, pause.signal));
  const confirmed = time.then(() => confirmBlock(pause, blockedIn));
  // What has changed of the accounts since they came over: the block does not keep anybody from changing users.
  const ended = Promise.allSettled([drained, confirmed, endsBefore(pause.signal, noted), bringOverAccounts(pause)]);
  const failed = (await ended).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function bringOverAccounts(context: EngineContext): Promise<void> {
  if (context.movesAccounts) await context.accounts.bringOver(context.retrier);
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
  const [closed] = await Promise.all([hasBlocked(context, log), prepareUniqueIndexes(context)]);
  await reach('engine.cutover.unique-prepared');
  if (closed) await openDestination(context);
  if (log.record.cutover?.canWriteAtMs === undefined) await log.saveCutover({ canWriteAtMs: context.clock.now() });
  await reach('engine.cutover.destination-open');
  await convertUniqueIndexes(context);
  await restoreExpiry(context);
  if (context.movesAccounts) await context.retrier.run('the destination', () => context.accounts.adopt());
  await log.enter('committed');
}

async function barrier({ retrier, source }: EngineContext): Promise<Timestamp> {
  return await retrier.run('the source', () => writeBarrier(source));
}

/** Users are waiting: whatever is not over by the deadline is not waited for, though it goes on. @throws the deadline's reason */
async function endsBefore(deadline: AbortSignal, work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(deadline.reason);
  deadline.addEventListener('abort', onAbort, { once: true });
  await Promise.race([work, late]).finally(() => deadline.removeEventListener('abort', onAbort));
}
