import {
  errorDataOf,
  type MigrationState,
  type Outcome,
  type Progress,
  type ResumedFrom,
  refusalsOf,
} from '../../contract/index.ts';
import { knownError, messageOf, UserError } from '../../platform/index.ts';
import { clearTransit } from '../accounts/make-accounts.ts';
import type { ResumeToken } from '../capture/change-stream.ts';
import type { RunContext } from '../collections/context.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import type { TaskGroup } from '../concurrency/task-group.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { finishCutover } from '../cutover/finish-cutover.ts';
import { reopenAfterFailure, settleOpenBlock } from '../cutover/open-source.ts';
import { DestinationWentBack } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { HistoryWentBack, historyOf } from '../mongodb/seen-history.ts';
import { otherDestination, watchClusters } from '../records/confirm-clusters.ts';
import { takenBy } from '../records/destination-owner.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import { CollectionRates } from '../report/collection-rates.ts';
import { CutoverAttempts } from '../report/cutover-attempts.ts';
import { gatesOf } from '../report/readiness.ts';
import { readinessFacts } from '../report/readiness-facts.ts';
import { snapshot } from '../report/snapshot.ts';
import { Speed } from '../report/speed.ts';
import { TimeMeter } from '../report/time-shares.ts';
import type { MigrationOptions } from '../scope/options.ts';
import { declareMissed } from '../verify/declare-missed.ts';
import { cancel } from './cancel.ts';
import type { CheckedClusters } from './clusters.ts';
import { CopyLoad } from './copy-load.ts';
import { CutoverConditions } from './cutover-conditions.ts';
import type { FollowedOrder } from './followed-order.ts';
import { IndexBuilds } from './index-builds.ts';
import { Pings } from './pings.ts';
import { clearLeftSpools, loadTracked, prepareNew } from './prepare.ts';
import { prepareReverse } from './prepare-reverse.ts';
import { RunCheckpoint } from './run-checkpoint.ts';
import { RunFindings } from './run-findings.ts';
import { refuseUnconfirmedDrops, steer } from './steer.ts';
import { StreamFollower } from './stream-follower.ts';
import { permissionOf, takeMigration } from './take-migration.ts';

/** The process that stops a run waits for it. The watchdog opens a source that stays blocked after that. */
const LAST_ACTS_WITHIN_MS = 5_000;
/** For one write. Without that write, the next engine on another host waits 20 s. */
const LEAVES_WITHIN_MS = 2_000;
/** For the end of an attempt to cut over, which announces nothing. */
const OPEN_LOOK_EVERY_MS = 20;
/** The run reports a failure after this: the access to the clusters may end with the report. */
const REOPEN_WITHIN_MS = 60_000;

/** The circumstances of a run beside the migration's options. */
export interface Occasion {
  /** Aborts when the operator ends this run. */
  readonly stop: AbortSignal;
  readonly order: FollowedOrder;
  /** Why the run before this one ended, if the destination had lost writes. Then nothing on record there is certain. */
  readonly wentBack?: DestinationWentBack | undefined;
}

/** One run of a migration by this process, from opening the connections to closing them. */
export class MigrationRun {
  readonly options: MigrationOptions;
  readonly order: FollowedOrder;
  readonly #tasks: TaskGroup;
  readonly #stop: AbortSignal;
  readonly #copyLoad: CopyLoad;
  readonly context: RunContext;
  readonly log: MigrationLog;
  readonly addresses: { readonly source: string; readonly destination: string };
  readonly warnings: readonly string[];
  readonly findings: RunFindings;
  readonly pings: Pings;
  readonly #wentBack: DestinationWentBack | undefined;
  readonly #hasAdvice: boolean;
  readonly indexBuilds: IndexBuilds;
  readonly conditions: CutoverConditions;
  readonly speed = new Speed();
  readonly time = new TimeMeter();
  readonly collectionRates = new CollectionRates();
  readonly attempts: CutoverAttempts;
  readonly checkpoint: RunCheckpoint;
  follower: StreamFollower | undefined;
  resumedFrom: ResumedFrom | undefined;
  /** Whether the records are loaded: before that, there are no figures. */
  loaded = false;
  /** The error that ended the run. */
  failure: Progress['error'];
  /** Whether the run has ended, with its last acts. */
  #isOver = false;
  #left: Promise<void> | undefined;
  #answering: Promise<void> | undefined;

  private constructor(
    options: MigrationOptions,
    { stop, order, wentBack }: Occasion,
    { tasks, context, log, warnings }: Awaited<ReturnType<typeof takeMigration>>,
    checked: CheckedClusters['checked'],
  ) {
    this.options = options;
    this.order = order;
    this.#tasks = tasks;
    this.#stop = stop;
    this.#wentBack = wentBack;
    this.context = context;
    this.log = log;
    this.addresses = { source: checked.source.primary, destination: checked.destination.primary };
    this.warnings = warnings;
    this.findings = new RunFindings(context, options, checked.warnings);
    this.#hasAdvice = checked.hasAdvice;
    const current = () => order.current;
    this.#copyLoad = new CopyLoad(context, options.copyBytesPerSecond, current, () => this.follower?.adjustLoad());
    this.pings = new Pings(context);
    this.attempts = new CutoverAttempts(context.clock, log.record.cutover, context.movesAccounts);
    this.indexBuilds = new IndexBuilds(context);
    this.conditions = new CutoverConditions(context, log);
    this.checkpoint = new RunCheckpoint(context, () => this.#position);
  }

  /**
   * Takes the migration.
   * @param waiting  reports what the opening waits for
   * @param clusters  closed when the run ends, and when it can't begin
   * @throws UserError the reason why it can't start; then nothing was changed
   */
  static async open(
    options: MigrationOptions,
    occasion: Occasion,
    waiting: Retrier,
    clusters: CheckedClusters,
  ): Promise<MigrationRun> {
    try {
      const taken = await takeMigration(options, occasion, waiting, clusters);
      return new MigrationRun(options, occasion, taken, clusters.checked);
    } catch (error) {
      await Promise.all([clusters.source.close(), clusters.destination.close()]);
      throw error;
    }
  }

  /** Runs to the end, the operator's stop or a failure, which is recorded first. Closes the connections in any case. */
  async toEnd(): Promise<Outcome> {
    using _ = this.order.onChange(() => this.#applyOrder());
    try {
      const outcome = await this.#work();
      await this.#tasks.stop();
      // For the counts of the last seconds. The outcome is on record.
      await Promise.all([this.checkpoint.saveLast().catch(() => undefined), this.#leave()]);
      return outcome;
    } catch (error) {
      // The failure of a task aborts the others, and so causes the error that is caught here.
      const failure = await this.#tasks.stop().then(
        () => error,
        (first: unknown) => first,
      );
      await this.checkpoint.saveLast().catch(() => undefined); // Only the failure counts.
      const reopenWithinMs = this.#stop.aborted ? LAST_ACTS_WITHIN_MS : REOPEN_WITHIN_MS;
      // rule: reopen-after-failure
      await reopenAfterFailure(this.context, this.log, AbortSignal.timeout(reopenWithinMs));
      // Another engine has the migration, so only that one may record a failure.
      if (this.context.fence.signal.aborted) throw await this.#whyLost();
      if (this.#stop.aborted) return 'STOPPED';
      throw await this.#recordFailure(failure);
    } finally {
      this.#isOver = true;
      await this.#leave();
      await Promise.allSettled([this.context.source.close(), this.context.destination.close()]);
    }
  }

  /** Records once that no engine runs the migration any more. Fails when another engine has taken it. */
  async #leave(): Promise<void> {
    this.#left ??= this.context.checkpoint.unretried.leave().catch(() => undefined);
    await unlessAborted(this.#left, AbortSignal.timeout(LEAVES_WITHIN_MS));
  }

  /** The reasons why a cutover can't begin; empty when it can. */
  get notReadyReasons(): string[] {
    return refusalsOf(gatesOf(readinessFacts(this)));
  }

  /** Records that the operator asks for this direction. */
  async requestReverse(): Promise<void> {
    await this.log.save({ reverseRequestedAtMs: this.context.clock.now() });
  }

  /** Whether the cutover is past its point of no return, or may be: the commit was sent. */
  get commitWasSent(): boolean {
    return this.log.record.cutover?.committed === true || this.log.commitWasSent;
  }

  /**
   * Notes the abort of the order as done, once no attempt to cut over is under way and none blocks the source, also one of an
   * earlier engine. Does nothing when there is none, before the records are loaded, and once the commit was sent.
   */
  async answerAbort(): Promise<void> {
    this.#answering ??= this.#answerAbort().finally(() => {
      this.#answering = undefined;
    });
    await this.#answering;
  }

  async #answerAbort(): Promise<void> {
    const { log, context, order } = this;
    const isAsked = () => order.current.wanted !== 'CUTOVER' && order.current.abort !== order.aborted;
    // rule: refuse-abort-after-commit
    const isPossible = () => this.loaded && !this.commitWasSent && isAsked();
    if (!isPossible()) return;
    const isBlocking = () => log.record.cutover?.blocking ?? false;
    // rule: abort-answered-when-open
    const isOver = () => this.#isOver || (log.record.state !== 'COMMITTING' && !isBlocking());
    await context.stateChanges.until(isOver, AbortSignal.any([]), OPEN_LOOK_EVERY_MS);
    if (isBlocking() || !isPossible()) return;
    order.aborted = order.current.abort;
    context.logger.info({ event: 'cutover.aborted' }, 'the cutover is aborted');
  }

  #applyOrder(): void {
    const { context, options } = this;
    const { drops } = this.order.current;
    this.#copyLoad.apply();
    // A confirmation is about the drops of one direction.
    // rule: confirmation-of-its-direction
    if (drops?.direction === (options.reversals ?? 0)) context.drops.permit(drops.confirmed);
    context.stateChanges.notify();
  }

  get #position() {
    if (this.follower === undefined) return undefined;
    return {
      token: this.follower.safeToken,
      watchedTo: this.follower.safeWatchedTo,
      ...historyOf(this.context.source).record,
      // rule: destination-position-on-record
      ...this.follower.verification.position,
    };
  }

  async #work(): Promise<Outcome> {
    const { log, context, order } = this;
    const { state } = log.record;
    const isOver = state === 'COMMITTED' || state === 'CANCELLED';
    const neverBegan = log.record.token === undefined && log.record.blocksDestination === undefined;
    // rule: cancelled-takes-nothing
    const takes = !isOver && (!order.cancelled.aborted || !neverBegan);
    await allEnded([this.#load(), ...(takes ? [this.#takeDestination()] : [])]);
    if (isOver) return state === 'COMMITTED' ? 'COMMITTED' : 'CANCELLED';
    if (log.record.term > 1) {
      await allEnded([
        clearLeftSpools(context),
        context.retrier.run('the destination', () => clearTransit(context.fence)),
      ]);
    }
    if (log.record.cutover?.committed) {
      if (log.record.error !== undefined) {
        await log.forgetFailure();
        await log.advance('finish resumed');
      }
      await finishCutover(context, log, this.attempts.timeline);
      return 'COMMITTED';
    }
    // rule: settle-open-block
    await settleOpenBlock(context, log);
    if (order.cancelled.aborted) return await cancel(context, log, order.current);
    if (log.record.error !== undefined) await log.forgetFailure();
    if (this.#wentBack !== undefined) await declareMissed(context, log, this.#wentBack.message);
    this.#tasks.start(() => this.checkpoint.keep());
    if (!this.#hasAdvice) this.#tasks.start(() => this.findings.addAdvice());
    let follower: StreamFollower;
    try {
      follower = await this.#startFollowing();
    } catch (error) {
      if (!order.cancelled.aborted) throw error;
      await this.follower?.abandon();
      return await cancel(context, log, order.current);
    }
    this.#tasks.start(() => this.pings.run());
    this.#tasks.start(() => this.#copyLoad.run());
    this.#tasks.start(() => watchClusters(context));
    this.#tasks.start(() => this.indexBuilds.run());
    this.#tasks.start(() => this.conditions.run());
    if (this.options.once) this.#tasks.start(() => refuseUnconfirmedDrops(context));
    this.#tasks.start(() => this.speed.run(context, () => snapshot(this, this.options)));
    this.#tasks.start(() => this.collectionRates.run(context));
    this.#tasks.start(() => this.time.run(context, () => log.record.state));
    return await steer(this, follower);
  }

  async #load(): Promise<void> {
    const { token, state } = this.log.record;
    await loadTracked(this.context);
    this.loaded = true;
    void this.answerAbort();
    if (token !== undefined) this.#noteResumed(state);
  }

  #noteResumed(state: MigrationState): void {
    const { documentsCopied, bytesCopied } = snapshot(this, this.options).copy;
    const { savedAt } = this.log.record;
    this.resumedFrom = { state, savedAt: savedAt?.toISOString() ?? null, documentsCopied, bytesCopied };
    this.context.logger.info({ event: 'migration.resumed', ...this.resumedFrom }, 'resuming from the checkpoint');
  }

  /** Ends early when the operator cancels: the source may be gone permanently. */
  async #startFollowing(): Promise<StreamFollower> {
    const { context, log } = this;
    const { cancelled } = this.order;
    const token = log.record.token ?? (await this.#prepare());
    if (log.record.state !== 'COPYING') await log.advance('copy begun');
    const follower = new StreamFollower(context, {
      tasks: this.#tasks,
      log,
      token,
      throttle: this.#copyLoad.throttle,
      verification: this.options.verification ?? 'REPAIR',
      // The helper is beside the first destination.
      digests: (this.options.reversals ?? 0) === 0 ? this.options.digests : undefined,
    });
    this.follower = follower;
    const abandon = () => void follower.abandon();
    cancelled.addEventListener('abort', abandon);
    await follower.start().finally(() => cancelled.removeEventListener('abort', abandon));
    return follower;
  }

  async #prepare(): Promise<ResumeToken> {
    const { reversals = 0 } = this.options;
    // rule: cancel-first-wait
    const context = within(this.context, this.order.cancelled);
    if (reversals === 0) return await prepareNew(context, this.log, this.options);
    const token = await prepareReverse(context, this.log, reversals);
    await loadTracked(context);
    return token;
  }

  async #takeDestination(): Promise<void> {
    await this.context.checkpoint.takeDestination(permissionOf(this.options));
  }

  /**
   * Returns why this run lost the migration: another engine has it, or another migration its destination, or the destination
   * went back. A destination that was initiated anew has no record of it either.
   */
  async #whyLost(): Promise<unknown> {
    const { checkpoint, fence } = this.context;
    const other = await otherDestination(this.context).catch(() => undefined);
    if (other !== undefined) return await this.#recordFailure(other);
    const found = await checkpoint.unretried.peek().catch(() => 'unknown' as const);
    if (found === 'unknown') return fence.signal.reason;
    if (found?.retiredBy !== undefined) return takenBy(checkpoint.migrationId, found.retiredBy);
    // An old source has no record in a backup of before its failback began. The next run says what it lacks.
    // rule: failback-begins-again
    const isGone = found === undefined && this.context.isReversed;
    return isGone || this.log.isOlder(found) ? new DestinationWentBack() : fence.signal.reason;
  }

  /** Names the migration in the error of a source that went back in its history. */
  #describe(cause: unknown): unknown {
    const { migrationId } = this.context.checkpoint;
    return cause instanceof HistoryWentBack
      ? new UserError('HISTORY_LOST', [migrationId, cause.message], { cause })
      : cause;
  }

  async #recordFailure(error: unknown): Promise<UserError> {
    const known = knownError(this.#describe(error));
    this.failure = errorDataOf(known);
    if (!this.commitWasSent) this.attempts.fail(known.message);
    await this.log.fail(this.failure).catch((cause: unknown) => {
      this.context.logger.error(
        { event: 'migration.failure_not_recorded', error: messageOf(cause) },
        'The failure could not be recorded on the destination',
      );
    });
    return known;
  }
}
