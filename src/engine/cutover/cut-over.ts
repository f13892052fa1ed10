import type { Timestamp } from 'mongodb';
import { failpoint, messageOf, UserError } from '../../platform/index.ts';
import { fixPosition } from '../capture/fix-position.ts';
import type { Migrated, RunContext } from '../collections/context.ts';
import { CollectionMissing } from '../collections/moved.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { CutoverEvidence } from '../records/cutover-attempt.ts';
import { confirmFailbackOpen } from '../records/failback.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { CutoverRecord } from '../records/records.ts';
import { within } from '../records/within.ts';
import type { BypassingWrites } from '../scope/options.ts';
import type { Claim } from './block-history.ts';
import { bringOverAccounts } from './bring-over-accounts.ts';
import { bypassed } from './bypassed.ts';
import { confirmDestination } from './confirm-destination.ts';
import type { CutoverTimeline } from './cutover-timeline.ts';
import {
  barrier,
  cappedWritten,
  changedCatalog,
  commit,
  confirmCatalog,
  holdAt,
  lastLook,
  refuseDifference,
  whileHeld,
} from './last-look.ts';
import { reopenSource } from './open-source.ts';
import type { CutoverPreparation } from './prepare-cutover.ts';
import type { RunningStream } from './running-stream.ts';
import { CappedDiffer, copyCappedAgain, orderCapped, settleCapped } from './settle-capped.ts';
import {
  type Blockable,
  type Blocked,
  blockSource,
  confirmBlock,
  confirmBlocked,
  confirmClaim,
  untilBlockable,
} from './source-block.ts';
import { unlessRefused } from './unless-refused.ts';
import type { Watchdog } from './watchdog.ts';

/** The longest write pause. After it the attempt fails, and traffic resumes. */
const LONGEST_PAUSE_MS = 60_000;

/** A failed attempt that ended with the source open again. The engine retries it. */
export interface Postponed {
  readonly reason: string;
  /** How long users' writes were blocked; 0 when they weren't. */
  readonly stoppedMs: number;
}

export interface CutoverOptions {
  /** Aborts when the operator cancels the migration or aborts the cutover. That ends the attempt before the commit is sent. */
  readonly calledOff: AbortSignal;
  readonly bypassingWrites: BypassingWrites;
  readonly timeline: CutoverTimeline;
  /** Returns the results of the verification, given the capped collections that may differ. */
  readonly evidence: (cappedUncertain: readonly string[]) => CutoverEvidence;
  readonly preparation: CutoverPreparation;
}

/**
 * Cuts over: blocks the source, drains to a barrier, opens the destination. Until the point of no return everything can
 * be undone, because the destination has only followed. The source stays blocked afterwards, so source and destination
 * are never writable at the same time (docs/reference/mongodb-behaviour.md#fact-8-4).
 */
export async function cutOver(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  options: CutoverOptions,
): Promise<'committed' | 'called off' | Postponed> {
  const { calledOff, timeline, preparation } = options;
  using _ = stream.hurry();
  const attempt = within(context, calledOff);
  try {
    timeline.begin('catch up');
    await log.advance('cutover begun');
    await log.advanceCutover('begun', { timeline: timeline.attempts });
    await counted(context, timeline, () => orAbort(preparation.caughtUp, attempt.signal));
    timeline.begin('accounts');
    await bringOverAccounts(attempt);
    timeline.begin('capped order');
    await orderCapped(attempt, stream);
    const positions = await fixReversePosition(attempt);
    const { block } = preparation;
    if (block !== undefined) {
      const { claim } = block;
      timeline.begin('watchdog');
      const watchdog = await orAbort(block.watching, attempt.signal);
      timeline.begin('obstacles');
      const survey = await orAbort(block.surveying, attempt.signal);
      const blockable = await untilBlockable(attempt, claim, survey);
      const blocking = { ...options, ...blockable, positions, watchdog, claim };
      const drained = await drainUnderBlock(context, log, stream, blocking);
      if ('reason' in drained) return drained;
      // rule: commit-before-opening
      await drained.committing;
    } else {
      const cappedUncertain = await drainWithoutBlock(attempt, stream, timeline);
      await sendCommit(context, log, stream, { ...options, positions, cappedUncertain }).committing;
    }
    return 'committed';
  } catch (error) {
    if (error === calledOff.reason) {
      // rule: release-after-abort
      stream.release();
      return 'called off';
    }
    const isMissing = error instanceof CollectionMissing;
    if (error instanceof NotNow || (isMissing && preparation.block !== undefined)) {
      stream.release();
      if (error instanceof CappedDiffer) await copyCappedAgain(context, error.collections);
      return { reason: messageOf(error), stoppedMs: 0 };
    }
    if (isMissing) throw new UserError('SOURCE_STILL_WRITTEN', [context.checkpoint.migrationId]);
    throw error;
  }
}

interface Sending extends CutoverOptions {
  /** Fields of the commit's record. */
  readonly positions: Partial<Pick<CutoverRecord, 'reverseFrom'>>;
  /** Capped collections that may differ, by their namespaces on the source. */
  readonly cappedUncertain: readonly string[];
}

interface Blocking extends Omit<Sending, 'cappedUncertain'>, Blockable {
  readonly claim: Claim;
  readonly watchdog: Watchdog;
}

/**
 * Fixes the position from which the opposite direction follows the destination. It comes before the block, to keep the
 * pause short: documents that the drain writes there after it are equal on the source.
 */
async function fixReversePosition(context: RunContext): Promise<Partial<Pick<CutoverRecord, 'reverseFrom'>>> {
  return context.isReversible ? { reverseFrom: await fixPosition({ ...context, source: context.destination }) } : {};
}

/** A commit that was sent. It is wrapped, so that an `await` of the wrapper doesn't wait for its result. */
interface Sent {
  readonly committing: Promise<void>;
}

/**
 * Sends the commit, unless the operator has taken the cutover back. No `await` between the check and the sending: an
 * abort comes before both, or is refused because the commit was sent.
 * @throws the reason of `calledOff`
 */
function sendCommit(context: Clusters & Migrated, log: MigrationLog, stream: RunningStream, sending: Sending): Sent {
  const { calledOff, timeline, evidence, positions, cappedUncertain } = sending;
  // rule: abort-before-commit
  calledOff.throwIfAborted();
  timeline.begin('commit');
  const { compared: accounts } = context.accounts;
  const fields = {
    ...positions,
    timeline: timeline.attempts,
    evidence: evidence(cappedUncertain),
    ...(accounts && { accounts }),
  };
  return { committing: commit(context, log, stream, true, fields) };
}

/**
 * Drains the stream under the write block, and sends the commit. Leaves the stream held then.
 * @throws the reason of `calledOff`, with the source open again
 */
async function drainUnderBlock(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  blocking: Blocking,
): Promise<Postponed | Sent> {
  const { clock, logger } = context;
  const { calledOff, bypassingWrites, timeline, watchdog, claim } = blocking;
  const postpone = (reason: string, stoppedMs = timeline.since('block')): Postponed => {
    logger.warn(
      { event: 'cutover.attempt_failed', reason, stoppedMs },
      'The cutover attempt failed: the source is open again',
    );
    return { reason, stoppedMs };
  };
  const blocked = await blockSource(context, log, blocking);
  if ('refusal' in blocked) return postpone(blocked.refusal);
  let noted: Promise<void> | undefined;
  const late = clock.timeout(LONGEST_PAUSE_MS);
  // rule: write-pause-deadline
  const pause = within(context, AbortSignal.any([late, calledOff]));
  let written: NotNow | undefined;
  try {
    await failpoint('engine.cutover.source-blocked');
    noted = log.advanceCutover('block set', { sourceBlockedAtMs: clock.now(), timeline: timeline.attempts });
    noted.catch(() => undefined); // Handled below.
    for (let round = 1; ; round += 1) {
      await drain(pause, stream, { timeline, blocked, noted, ...(round === 1 ? { setAt: blocked.setAt } : {}) });
      using look = context.seen.look();
      timeline.begin('capped collections');
      using external = stream.verification.cappedWrites.look();
      // rule: pause-bounds-comparison
      const cappedUncertain = await whileHeld(stream, settleCapped(pause));
      timeline.begin('last look');
      await counted(context, timeline, () => unlessRefused(pause, (step) => lastLook(step, stream)));
      calledOff.throwIfAborted();
      // rule: refuse-external-capped-writes
      const difference = stream.verification.difference ?? cappedWritten(external);
      // rule: reported-difference-ends-cutover
      if (difference !== undefined) throw new NotNow(difference);
      // rule: writes-under-block
      if (look.count === 0) {
        // After the last look: if no client has lifted the block since the claim, users were blocked all the time.
        timeline.begin('announcement');
        // rule: last-look-at-destination
        await allEnded([confirmClaim(pause, claim, blocked), confirmCatalog(pause, stream), confirmDirection(pause)]);
        await failpoint('engine.cutover.announced');
        return sendCommit(context, log, stream, { ...blocking, cappedUncertain });
      }
      await confirmBlocked(pause);
      written = await bypassed(context.source, look);
      logger.warn(
        { event: 'cutover.written_under_block', reason: written.message },
        'The source is written to under its write block',
      );
      if (bypassingWrites === 'giveUp') throw written;
      stream.release();
    }
  } catch (error) {
    stream.release();
    const { notReached } = timeline;
    timeline.begin('reopening');
    let stoppedMs: number | undefined;
    const onOpened = () => {
      stoppedMs ??= timeline.since('block');
      timeline.noteOpen();
      watchdog.standDown();
    };
    await reopenSource(context, log, { claim, noted, onOpened });
    if (error instanceof CappedDiffer) await copyCappedAgain(context, error.collections);
    const passes = error instanceof NotNow || error instanceof CollectionMissing;
    if (error !== late.reason && !passes) throw error;
    return postpone(error === late.reason ? (written?.message ?? notReached) : messageOf(error), stoppedMs);
  }
}

/** @throws UserError FAILBACK_LOST when this is an opposite direction, and it was closed */
async function confirmDirection({ source, retrier, checkpoint, isReversed }: Clusters & Records & Pace): Promise<void> {
  if (isReversed) await retrier.run('the source', () => confirmFailbackOpen(source, checkpoint.migrationId));
}

interface Draining {
  readonly timeline: CutoverTimeline;
  readonly blocked: Blocked;
  readonly noted: Promise<void>;
  /** The time of the block; undefined when users may have written since. */
  readonly setAt?: Timestamp | undefined;
}

/**
 * Holds the stream where everything that users wrote before the block is on the destination. Meanwhile confirms that
 * the block stays: users wait, so independent steps run in parallel.
 * @param pause  ends at the deadline
 */
async function drain(pause: RunContext, stream: RunningStream, draining: Draining): Promise<void> {
  const { timeline, blocked, noted, setAt } = draining;
  const failed = new AbortController();
  const limited = within(pause, failed.signal);
  if (setAt === undefined) timeline.begin('barrier');
  const time = barrier(limited);
  const drained = (async () => {
    const until = setAt ?? (await time);
    timeline.begin('drain');
    await counted(pause, timeline, () => unlessRefused(limited, (step) => holdAt(step, stream, until)));
  })();
  // rule: block-survives-election
  const confirmed = time.then(() => confirmBlock(limited, blocked));
  await allEnded([confirmed, orAbort(noted, limited.signal), drained], (error) => failed.abort(error));
}

/**
 * Drains a source without a block. Either the source has none, or only a part of the cluster is selected, and the block
 * would cover all of it. The operator has stopped the writers of the selection, as with mongosync; changes between two
 * barriers show whether that is true. Leaves the stream held.
 * @returns the capped collections that may differ, by their namespaces on the source
 * @throws UserError SOURCE_STILL_WRITTEN when there are changes
 */
async function drainWithoutBlock(
  context: RunContext,
  stream: RunningStream,
  timeline: CutoverTimeline,
): Promise<readonly string[]> {
  timeline.begin('drain');
  await stream.inStepAt(await barrier(context), context.signal);
  using look = context.seen.look();
  const refuseWrites = () => {
    // rule: wait-for-quiet-source
    if (look.count > 0) throw new UserError('SOURCE_STILL_WRITTEN', [context.checkpoint.migrationId]);
  };
  await holdAt(context, stream, await barrier(context));
  refuseWrites();
  timeline.begin('capped collections');
  using external = stream.verification.cappedWrites.look();
  const cappedUncertain = await whileHeld(stream, settleCapped(context));
  timeline.begin('last look');
  await lastLook(context, stream);
  refuseDifference(stream.verification.difference ?? cappedWritten(external));
  await confirmDestination(context);
  const difference = await changedCatalog(context, stream);
  refuseWrites();
  refuseDifference(difference);
  return cappedUncertain;
}

/** Adds to the current step how many changes were applied and compared in it. */
async function counted<T>({ counters }: Telling, timeline: CutoverTimeline, act: () => Promise<T>): Promise<T> {
  const { applied, rechecked } = counters;
  try {
    return await act();
  } finally {
    timeline.count({ applied: counters.applied - applied, compared: counters.rechecked - rechecked });
  }
}
