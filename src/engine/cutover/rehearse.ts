import { counted, failpoint, messageOf } from '../../platform/index.ts';
import type { RunContext } from '../collections/context.ts';
import { CollectionMissing } from '../collections/moved.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { isSharded } from '../mongodb/sharding.ts';
import { unblockPrimary } from '../mongodb/write-block.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { Claim } from './block-history.ts';
import type { CutoverTimeline } from './cutover-timeline.ts';
import { barrier, confirmCatalog, holdAt, lastLook } from './last-look.ts';
import { reopenSource } from './open-source.ts';
import { prepareCutover } from './prepare-cutover.ts';
import type { RunningStream } from './running-stream.ts';
import { type CappedEnds, compareCappedEnds } from './settle-capped.ts';
import { type Blockable, type Blocked, blockSource, confirmBlock, untilBlockable } from './source-block.ts';
import { actsInTime } from './source-claim.ts';
import type { Watchdog } from './watchdog.ts';

/** How long users' writes may be stopped in total. */
export const LONGEST_BLOCK_MS = 200;
/** Time for setting the block, and for all steps under it. The rest is for the command that lifts it. */
const SET_WITHIN_MS = 100;
const STEPS_WITHIN_MS = 150;
/** For the catch-up and for obstacles, while users write. */
const PREPARE_WITHIN_MS = 60_000;
/**
 * The watchdog opens the source when the engine is silent for so long. After that, other engines may block it for
 * themselves.
 */
const SILENT_MS = 5_000;
/** An engine that took longer reads the block's holder before it lifts the block. */
const LIFT_UNSEEN_WITHIN_MS = 3_000;
const ALIVE_EVERY_MS = 1_000;
/** Namespaces that the text about capped collections names. */
const SHOWN = 3;

export interface RehearsalOptions {
  /** Aborts when the operator cancels, pauses or cuts over. */
  readonly calledOff: AbortSignal;
  readonly timeline: CutoverTimeline;
  /** Its name: a rehearsal that was begun once isn't begun again. */
  readonly rehearsal: number;
}

/**
 * Rehearses a cutover: all steps that can be undone, with the source blocked for at most 200 ms. Must not import
 * anything that commits. The record says that it is a rehearsal, and from there the lifecycle has no way to a commit.
 */
export async function rehearse(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  { calledOff, timeline, rehearsal }: RehearsalOptions,
): Promise<void> {
  using resources = new DisposableStack();
  resources.use(stream.hurry());
  const late = context.clock.timeout(PREPARE_WITHIN_MS);
  const attempt = within(context, AbortSignal.any([calledOff, late]));
  try {
    timeline.begin('catch up');
    const { block, caughtUp } = resources.use(prepareCutover(attempt, log, stream, SILENT_MS));
    await log.advanceCutover('rehearsal begun', { rehearsed: rehearsal, timeline: timeline.attempts });
    await failpoint('engine.rehearsal.begun');
    if (block === undefined)
      throw new NotNow('a cutover of this migration does not block its source, so there is no pause to rehearse');
    // rule: no-rehearsal-when-sharded
    if (isSharded(context.source))
      throw new NotNow("the write block of a sharded source can't be lifted in time for a rehearsal");
    await caughtUp;
    timeline.begin('watchdog');
    const watchdog = await orAbort(block.watching, attempt.signal);
    watchdog.keepQuiet();
    const alive = setInterval(() => watchdog.keepQuiet(), ALIVE_EVERY_MS);
    resources.defer(() => clearInterval(alive));
    timeline.begin('obstacles');
    const { claim } = block;
    const blockable = await untilBlockable(attempt, claim, await orAbort(block.surveying, attempt.signal));
    await rehearseBlock(context, log, stream, { ...blockable, calledOff, timeline, watchdog, claim });
  } catch (error) {
    const passes = error instanceof NotNow || error instanceof CollectionMissing;
    if (error !== calledOff.reason && error !== late.reason && !passes) throw error;
    timeline.end(error === calledOff.reason ? 'ABORTED' : 'NOT_REHEARSED', {
      reason: passes ? messageOf(error) : timeline.notReached,
    });
  }
  await log.advanceCutover('source opened', { timeline: timeline.attempts });
}

interface Blocking extends Omit<RehearsalOptions, 'rehearsal'>, Blockable {
  readonly claim: Claim;
  readonly watchdog: Watchdog;
}

/** Blocks the source, runs the steps under the block, and opens the source, whatever happens. */
async function rehearseBlock(
  context: RunContext,
  log: MigrationLog,
  stream: RunningStream,
  { calledOff, timeline, watchdog, claim, limit, earlier }: Blocking,
): Promise<void> {
  const { clock } = context;
  const brief = { ...limit, limitMs: Math.min(limit.limitMs, SET_WITHIN_MS) };
  const confirmInTime = actsInTime(clock, LIFT_UNSEEN_WITHIN_MS);
  const blocked = await blockSource(context, log, { claim, limit: brief, earlier, timeline, watchdog });
  if ('refusal' in blocked) {
    const stoppedMs = timeline.since('block');
    timeline.end('NOT_REHEARSED', { reason: blocked.refusal, ...(stoppedMs > 0 && { stoppedMs }) });
    return;
  }
  const late = clock.timeout(Math.max(0, STEPS_WITHIN_MS - timeline.since('block')));
  const over = AbortSignal.any([late, calledOff, context.signal]);
  let steps: Promise<void> = Promise.resolve();
  let reason: string | undefined;
  let failure: unknown;
  let stoppedMs = 0;
  try {
    if (!blocked.isOwn)
      throw new NotNow("the source's write block may be another client's, which a rehearsal doesn't touch");
    await failpoint('engine.rehearsal.source-blocked');
    steps = underBlock(within(context, over), stream, timeline, blocked);
    // rule: rehearsal-opens-early
    await orAbort(steps, over);
  } catch (error) {
    const passes = error instanceof NotNow || error instanceof CollectionMissing;
    reason = passes ? messageOf(error) : timeline.notReached;
    if (error !== late.reason && !passes) failure = error;
  }
  const wouldStopMs = timeline.since('block') + 2 * timeline.took('claim');
  timeline.begin('reopening');
  // The claim is seconds old, so no other client can hold the block. The notes about it follow when users can write.
  if (blocked.isOwn) {
    const lift = async () => {
      // rule: owner-after-slow-rehearsal
      confirmInTime();
      await unblockPrimary(context.source);
    };
    const opened = await lift().then(
      () => true,
      () => false,
    );
    if (opened) stoppedMs = timeline.since('block');
  }
  // A step that is under way releases the stream at its end, which must not happen in a later attempt.
  await steps.catch(() => undefined);
  stream.release();
  await failpoint('engine.rehearsal.opened');
  await reopenSource(context, log, { claim });
  stoppedMs ||= timeline.since('block');
  if (failure !== undefined) throw failure;
  if (reason === undefined) timeline.end('REHEARSED', { stoppedMs, wouldStopMs });
  else timeline.end('NOT_REHEARSED', { reason, stoppedMs });
}

/** Carries out the steps of a cutover between its block and the announcement of its commit. */
async function underBlock(
  context: RunContext,
  stream: RunningStream,
  timeline: CutoverTimeline,
  blocked: Blocked,
): Promise<void> {
  timeline.begin('barrier');
  const time = await barrier(context);
  await confirmBlock(context, blocked);
  timeline.begin('drain');
  await holdAt(context, stream, time);
  timeline.begin('capped collections');
  timeline.explain(cappedText(await compareCappedEnds(context), stream.verification.seesOthers));
  context.signal.throwIfAborted();
  stream.release();
  timeline.begin('last look');
  // No user of the source can log in to the destination before the cutover.
  // rule: rehearsal-moves-no-accounts
  await lastLook({ ...context, movesAccounts: false }, stream);
  await confirmCatalog(context, stream);
}

/** Says what a cutover would do with capped collections. A rehearsal doesn't: copying them can't be undone. */
function cappedText({ compared, again, unordered }: CappedEnds, seesOthers: boolean): string {
  if (compared === 0) return 'there is no capped collection';
  const names = (collections: CappedEnds['again']) =>
    [
      ...collections.slice(0, SHOWN).map(({ namespace }) => namespace),
      ...(collections.length > SHOWN ? [`${collections.length - SHOWN} more`] : []),
    ].join(', ');
  const unsure = seesOthers ? names(unordered) : 'all';
  return [
    `the ends of ${counted(compared, 'capped collection')} were compared`,
    ...(again.length > 0 ? [`a cutover would copy ${names(again)} again before the pause`] : []),
    ...(unsure === '' ? [] : [`a cutover would compare all keys of ${unsure} before the pause`]),
  ].join('; ');
}
