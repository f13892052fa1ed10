import type { Timestamp } from 'mongodb';
import { messageOf, reach, UserError } from '../../platform/index.ts';
import type { SeenChanges } from '../apply/seen-changes.ts';
import { fixPosition } from '../capture/fix-position.ts';
import { CollectionMissing } from '../collections/moved.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import type { BlockLimit } from '../mongodb/write-block.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { DocumentFilters } from '../scope/document-filters.ts';
import type { BypassingWrites } from '../scope/options.ts';
import type { Claim } from './block-history.ts';
import { type BringOverAccountsParts, bringOverAccounts } from './bring-over-accounts.ts';
import { bypassed } from './bypassed.ts';
import { type DestinationBlockParts, hasBlocked, openDestination } from './destination-block.ts';
import { barrier, commit, holdAt, type LastLookParts, lastLook, settleHeld } from './last-look.ts';
import { convertUniqueIndexes, prepareUniqueIndexes, restoreExpiry } from './restore-catalog.ts';
import type { RunningStream } from './running-stream.ts';
import {
  type Blocked,
  blockSource,
  confirmBlock,
  confirmBlocked,
  confirmClaim,
  newClaim,
  reopenSource,
  tellCommitted,
  untilBlockable,
} from './source-block.ts';
import { watchAfterCommit } from './watch-after-commit.ts';
import { startWatchdog, type Watchdog, type WatchdogParts } from './watchdog.ts';

/** The parts of a run that a cutover needs. */
interface CutOverParts extends LastLookParts, DestinationBlockParts, BringOverAccountsParts, WatchdogParts {
  readonly seen: SeenChanges;
  readonly documentFilters: DocumentFilters;
  /** Whether the cutover fixes a position for the opposite direction. */
  readonly isReversible: boolean;
}

/** The longest write pause. After it the attempt fails, and traffic resumes. */
const LONGEST_PAUSE_MS = 60_000;

/** A failed attempt that ended with the source open again. The engine retries it. */
export interface PutOff {
  readonly reason: string;
  /** How long users' writes were blocked; 0 when they weren't. */
  readonly stoppedMs: number;
}

export interface CutoverWishes {
  /** Aborts when the operator cancels the migration. That ends the attempt at any time before the commit. */
  readonly calledOff: AbortSignal;
  readonly bypassingWrites: BypassingWrites;
}

/**
 * Cuts over: blocks the source, drains to a barrier, opens the destination. Until the point of no return everything can
 * be undone, because the destination has only followed. The source stays blocked afterwards, so source and destination
 * are never writable at the same time (docs/reference/mongodb-behaviour.md#fact-8-4).
 */
export async function cutOver(
  context: CutOverParts,
  log: MigrationLog,
  stream: RunningStream,
  wishes: CutoverWishes,
): Promise<'committed' | 'called off' | PutOff> {
  const { calledOff } = wishes;
  using resources = new DisposableStack();
  resources.use(stream.hurry());
  await log.advance('cutover begun');
  await log.advanceCutover('begun');
  const attempt = within(context, calledOff);
  try {
    await stream.inStepAt(await barrier(attempt), attempt.signal);
    await bringOverAccounts(attempt);
    // Before the block, to keep the pause short: what the drain writes there is equal on the source.
    const reverseFrom = context.isReversible
      ? await fixPosition({ ...attempt, source: attempt.destination })
      : undefined;
    if (context.selection.isWhole && context.documentFilters.isEmpty && context.sourceFeatures.blocksWrites) {
      const claim = newClaim(context, log);
      const limit = await untilBlockable(attempt, claim);
      const watchdog = resources.use(await startWatchdog(context, log, claim));
      const putOff = await drainUnderBlock(context, log, stream, { ...wishes, watchdog, limit, claim });
      if (putOff !== undefined) return putOff;
    } else {
      await drainWithoutBlock(attempt, stream);
    }
    await commit(log, stream, { watched: true, reverseFrom });
    return 'committed';
  } catch (error) {
    if (error === calledOff.reason) return 'called off';
    if (error instanceof CollectionMissing)
      throw new UserError('SOURCE_STILL_WRITTEN', [context.checkpoint.migrationId]);
    throw error;
  }
}

interface Blocking extends CutoverWishes {
  readonly claim: Claim;
  readonly watchdog: Watchdog;
  readonly limit: BlockLimit;
}

/**
 * Drains the stream under the write block. Leaves the stream held when it returns undefined.
 * @throws the reason of `calledOff`, with the source open again
 */
async function drainUnderBlock(
  context: CutOverParts,
  log: MigrationLog,
  stream: RunningStream,
  { calledOff, bypassingWrites, watchdog, limit, claim }: Blocking,
): Promise<PutOff | undefined> {
  const { clock, logger } = context;
  const beganAt = clock.elapsed();
  const putOff = (reason: string): PutOff => {
    const stoppedMs = Math.round(clock.elapsed() - beganAt);
    logger.warn({ reason, stoppedMs }, 'The cutover attempt failed: the source is open again');
    return { reason, stoppedMs };
  };
  const blocked = await blockSource(context, log, { claim, limit });
  if ('refusal' in blocked) return putOff(blocked.refusal);
  let noted: Promise<void> | undefined;
  let late = clock.timeout(LONGEST_PAUSE_MS);
  let written: NotNow | undefined;
  // Without the deadline: copying a capped collection again takes long, and the preflight has warned about that.
  const rest = within(context, calledOff);
  try {
    await reach('engine.cutover.source-blocked');
    noted = log.advanceCutover('block set', { sourceBlockedAtMs: clock.now() });
    noted.catch(() => undefined); // Handled below.
    for (let round = 1; ; round += 1) {
      const pause = within(context, AbortSignal.any([late, calledOff]));
      await holdAt(pause, stream, await drain(pause, { blocked, noted }));
      using look = context.seen.look();
      await settleHeld(rest, stream, () => watchdog.keepQuiet());
      if (round === 1 && late.aborted) late = clock.timeout(LONGEST_PAUSE_MS);
      const last = within(context, AbortSignal.any([late, calledOff]));
      await lastLook(last, stream);
      calledOff.throwIfAborted();
      if (look.count === 0) {
        // After the last look: if nobody has lifted the block since the claim, users were blocked all the time.
        await confirmClaim(last, claim, blocked);
        return undefined;
      }
      await confirmBlocked(last);
      written = await bypassed(context.source, look);
      logger.warn({ reason: written.message }, 'The source is written to under its write block');
      if (bypassingWrites === 'giveUp') throw written;
      stream.release();
    }
  } catch (error) {
    stream.release();
    await reopenSource(context, log, { claim, noted, onOpened: () => watchdog.standDown() });
    const passes = error instanceof NotNow || error instanceof CollectionMissing;
    if (error !== late.reason && !passes) throw error;
    return putOff(error === late.reason && written !== undefined ? written.message : messageOf(error));
  }
}

/**
 * Confirms that the block stays, and migrates accounts, while the stream continues. Users wait, so independent steps
 * run in parallel.
 * @param pause  ends at the deadline
 * @returns a barrier that was written under the block
 */
async function drain(
  pause: CutOverParts,
  { blocked, noted }: { readonly blocked: Blocked; readonly noted: Promise<void> },
): Promise<Timestamp> {
  const time = barrier(pause);
  const confirmed = time.then(() => confirmBlock(pause, blocked));
  // Accounts may have changed since their first migration: the block doesn't stop changes of users.
  const ended = Promise.allSettled([confirmed, orAbort(noted, pause.signal), bringOverAccounts(pause)]);
  const failed = (await ended).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return await time;
}

/**
 * Drains a source without a block. Either the source has none, or only a part of the cluster is selected, and the block
 * would cover all of it. The operator has stopped the writers of the selection, as with mongosync; changes between two
 * barriers show whether that is true. Leaves the stream held.
 * @throws UserError SOURCE_STILL_WRITTEN when there are changes
 */
async function drainWithoutBlock(context: CutOverParts, stream: RunningStream): Promise<void> {
  await stream.inStepAt(await barrier(context), context.signal);
  using look = context.seen.look();
  const refuseWrites = () => {
    if (look.count > 0) throw new UserError('SOURCE_STILL_WRITTEN', [context.checkpoint.migrationId]);
  };
  await holdAt(context, stream, await barrier(context));
  refuseWrites();
  await settleHeld(context, stream);
  await bringOverAccounts(context);
  await lastLook(context, stream);
  refuseWrites();
}

/** Does the work after the point of no return; resumes where a killed engine left it. */
export async function finishCutover(context: CutOverParts, log: MigrationLog): Promise<void> {
  await reach('engine.cutover.committed');
  const told = tellCommitted(context, log);
  await watchAfterCommit(context, log, () => openAndRestore(context, log));
  await told;
  await log.advance('finished');
}

async function openAndRestore(context: CutOverParts, log: MigrationLog): Promise<void> {
  const [closed] = await Promise.all([hasBlocked(context, log), prepareUniqueIndexes(context)]);
  await reach('engine.cutover.unique-prepared');
  if (closed) await openDestination(context);
  if (log.record.cutover?.canWriteAtMs === undefined)
    await log.advanceCutover('destination opened', { canWriteAtMs: context.clock.now() });
  await reach('engine.cutover.destination-open');
  await convertUniqueIndexes(context);
  await restoreExpiry(context);
  if (context.movesAccounts) await context.retrier.run('the destination', () => context.accounts.adopt());
}
