import type { Outcome } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Migrated, RunContext } from '../collections/context.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { commitOnce } from '../cutover/commit-once.ts';
import { cutOver } from '../cutover/cut-over.ts';
import { finishCutover } from '../cutover/finish-cutover.ts';
import { blocksSource, prepareCutover } from '../cutover/prepare-cutover.ts';
import { rehearse } from '../cutover/rehearse.ts';
import { SpareWatchdog } from '../cutover/spare-watchdog.ts';
import type { Pace, Telling } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { CutoverAttempts } from '../report/cutover-attempts.ts';
import { lastRefusal } from '../report/waits.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { cancel } from './cancel.ts';
import { evidenceOf } from './evidence.ts';
import type { FollowedOrder } from './followed-order.ts';
import type { RunCheckpoint } from './run-checkpoint.ts';
import type { RunFindings } from './run-findings.ts';
import type { StreamFollower } from './stream-follower.ts';

/** For conditions that depend on the time. Changes of states and of the order wake the run at once. */
const LOOK_AGAIN_AFTER_MS = 250;
/** The source recreates a collection within this time, if it drops it only for that. */
const RECREATED_WITHIN_MS = 10_000;

/** The fields of a run that its steering uses. */
interface SteeredRun {
  readonly context: RunContext;
  readonly log: MigrationLog;
  readonly options: MigrationOptions;
  readonly order: FollowedOrder;
  readonly checkpoint: RunCheckpoint;
  readonly findings: RunFindings;
  readonly attempts: CutoverAttempts;
  readonly notReadyReasons: readonly string[];
}

/**
 * Carries out the operator's requests as soon as the migration's state allows it. Returns when the migration has ended.
 */
export async function steer(run: SteeredRun, follower: StreamFollower): Promise<Outcome> {
  const { attempts, context, log, options, order } = run;
  const { timeline } = attempts;
  const timed = { ...context, retrier: context.retrier.telling((wait) => timeline.waitFor(wait)) };
  const mayBlock = !options.once && blocksSource(context);
  using spareWatchdog = new SpareWatchdog(context.clock);
  while (true) {
    context.signal.throwIfAborted();
    if (order.cancelled.aborted) {
      await follower.abandon();
      return await cancel(context, log, order.current);
    }
    if (order.current.wanted === 'PAUSED') await pause(run, follower);
    if (log.record.state === 'COPYING' && follower.allLive) await log.advance('caught up');
    const refusal = options.once ? lastRefusal(context) : undefined;
    if (refusal !== undefined) throw refusal;
    if (log.record.state === 'FOLLOWING' && options.once) follower.verification.refuseDifferences();
    if (log.record.state === 'FOLLOWING' && options.once && follower.verification.isClean) {
      if (!(await isConfirmed(follower, order.cancelled))) continue;
      if (!(await commitUnlessCancelled(run, follower))) continue;
      await finishCutover(context, log, timeline);
      return 'COMMITTED';
    }
    if (order.current.wanted === 'CUTOVER') attempts.note(run.notReadyReasons);
    // Where the source's catalog has to stand still, nothing would make the difference go away.
    if (order.current.wanted === 'CUTOVER' && hasOtherCatalog(follower))
      await unlessAborted(follower.confirmCatalog(), order.calledOff);
    if (order.current.wanted === 'CUTOVER' && run.notReadyReasons.length === 0) {
      const ended = await attemptCutover(run, follower, timed);
      if (ended === 'unconfirmed') continue;
      if (ended === 'committed') {
        attempts.clear();
        await finishCutover(timed, log, timeline);
        return 'COMMITTED';
      }
      if (ended === 'called off') attempts.abandon();
      else attempts.add(ended);
      await log.advanceCutover('source opened', { timeline: timeline.attempts });
      await log.advance('cutover postponed');
    }
    if (order.current.wanted !== 'CUTOVER') attempts.abandon();
    const { rehearsal, wanted } = order.current;
    const isRehearsed = rehearsal === null || rehearsal <= (log.record.cutover?.rehearsed ?? 0);
    // rule: rehearse-when-ready
    if (!isRehearsed && wanted === 'RUNNING' && run.notReadyReasons.length === 0) {
      timeline.want(rehearsal);
      await rehearse(timed, log, follower, { calledOff: order.rehearsalOff, timeline, rehearsal });
      continue;
    }
    if (mayBlock && log.record.state === 'FOLLOWING' && follower.verification.isClean) spareWatchdog.keep();
    const dueInMs = attempts.isDue ? LOOK_AGAIN_AFTER_MS : attempts.dueInMs;
    await context.stateChanges.next(context.signal, Math.min(LOOK_AGAIN_AFTER_MS, dueInMs));
  }
}

/**
 * Checks once more, and cuts over. The preparation ends with the attempt: work after a commit may take longer than its
 * watchdog waits.
 * @returns `unconfirmed` when the checks have not passed, or the cutover is no longer wanted; nothing has begun then
 */
async function attemptCutover(
  run: SteeredRun,
  follower: StreamFollower,
  timed: RunContext,
): Promise<Awaited<ReturnType<typeof cutOver>> | 'unconfirmed'> {
  const { attempts, findings, log, options, order } = run;
  using _ = follower.hurry();
  using preparation = prepareCutover(timed, log, follower);
  const { calledOff } = order;
  const advised = unlessAborted(findings.repeatAtCutover(), calledOff);
  const [confirmed] = await Promise.all([isConfirmed(follower, calledOff), advised]);
  // rule: catalogs-before-cutover
  if (!confirmed || calledOff.aborted) return 'unconfirmed';
  return await cutOver(timed, log, follower, {
    calledOff,
    bypassingWrites: options.bypassingWrites ?? 'drain',
    timeline: attempts.timeline,
    evidence: (uncertain) => evidenceOf(run, follower, uncertain),
    preparation,
  });
}

/** Ends a migration whose source is still being written to. @returns false when the operator cancels before the commit */
async function commitUnlessCancelled(run: SteeredRun, follower: StreamFollower): Promise<boolean> {
  const { cancelled } = run.order;
  try {
    await commitOnce(within(run.context, cancelled), run.log, follower, (uncertain) =>
      evidenceOf(run, follower, uncertain),
    );
    return true;
  } catch (error) {
    if (error !== cancelled.reason) throw error;
    follower.release();
    return false;
  }
}

function hasOtherCatalog({ verification: { catalog } }: StreamFollower): boolean {
  return catalog.differences !== undefined && catalog.differences.length > 0;
}

/**
 * Compares the catalogs once more.
 * @param over  ends the wait: the answer is no longer needed
 * @returns whether they are equal
 * @throws UserError NAMESPACE_CONFLICT when the destination lacks a collection that the migration has made: nothing would
 * make it anew. One that it has not made yet is new on the source
 */
async function isConfirmed({ verification }: StreamFollower, over: AbortSignal): Promise<boolean> {
  const confirmed = await unlessAborted(verification.confirm(), over);
  if (confirmed === undefined) return false;
  if (confirmed) return true;
  const { catalog } = verification;
  const lost = catalog.differences?.find((one) => one.class === 'COLLECTION_MISSING' && !catalog.isNew(one));
  if (lost === undefined) return false;
  const reason = 'another client dropped or renamed it on the destination';
  throw new UserError('NAMESPACE_CONFLICT', [lost.destinationNamespace, reason]);
}

/** Holds the migration until the operator resumes or cancels it. */
async function pause({ context, log, order, checkpoint }: SteeredRun, follower: StreamFollower): Promise<void> {
  const { gate, signal, stateChanges } = context;
  const { state } = log.record;
  gate.close();
  await follower.flush(order.cancelled);
  await checkpoint.save();
  await log.advance('paused');
  const isOver = () => order.current.wanted !== 'PAUSED' || order.cancelled.aborted || signal.aborted;
  while (!isOver()) await stateChanges.next(signal, LOOK_AGAIN_AFTER_MS);
  gate.open();
  if (!signal.aborted) await log.advance(state === 'FOLLOWING' ? 'tail resumed' : 'copy resumed');
}

/** Fails an unattended run: no operator is there to confirm its drops. @throws UserError DROPS_UNCONFIRMED */
export async function refuseUnconfirmedDrops({
  clock,
  drops,
  signal,
  stateChanges,
}: Pace & Telling & Migrated): Promise<void> {
  while (!signal.aborted) {
    const refusal = drops.refusal(clock, RECREATED_WITHIN_MS);
    if (refusal !== undefined) throw refusal;
    await stateChanges.next(signal, LOOK_AGAIN_AFTER_MS);
  }
}
