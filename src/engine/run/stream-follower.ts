import type { Timestamp } from 'mongodb';
import type { VerificationMode } from '../../contract/index.ts';
import { failpoint } from '../../platform/index.ts';
import { Displaced } from '../apply/displaced.ts';
import { Lanes } from '../apply/lanes.ts';
import { Spool } from '../apply/spool.ts';
import { ChangeStream, isHistoryLost, type ResumeToken, type StreamBatch } from '../capture/change-stream.ts';
import { Dispatcher } from '../capture/dispatcher.ts';
import { fixPosition } from '../capture/fix-position.ts';
import { FixedCatalog } from '../capture/fixed-catalog.ts';
import { FollowedCatalog } from '../capture/followed-catalog.ts';
import { LagProbe } from '../capture/lag-probe.ts';
import { OplogWatch } from '../capture/oplog-watch.ts';
import type { BringInStep, SourceCatalog } from '../capture/source-catalog.ts';
import { UnstreamedWatch } from '../capture/unstreamed-watch.ts';
import { Watermark } from '../capture/watermark.ts';
import type { RunContext } from '../collections/context.ts';
import { IndexKeeper } from '../collections/index-keeper.ts';
import { reconcileCatalog } from '../collections/reconcile.ts';
import { markSuspect } from '../collections/suspicion.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Gate } from '../concurrency/gate.ts';
import type { TaskGroup } from '../concurrency/task-group.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { Copier } from '../copy/copier.ts';
import type { RunningStream } from '../cutover/running-stream.ts';
import { isBefore, timeOfToken } from '../mongodb/cluster-time.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { DigestHelper } from '../scope/digest-helper.ts';
import { declareMissed } from '../verify/declare-missed.ts';
import { Repairs } from '../verify/repairs.ts';
import { Verification } from '../verify/verification.ts';
import { declareLoss, untilHistoryConfirmed } from './lost-history.ts';
import { StreamProgress } from './stream-progress.ts';
import { takeUnstreamed } from './take-unstreamed.ts';

const IDLE_WAIT_MS = 100;
const HURRIED_WAIT_MS = 5;
const SPOOL_FLUSH_EVERY_MS = 50;
/** For conditions that depend on the time. Every other change wakes the waiting parts at once. */
const LOOK_AGAIN_AFTER_MS = 250;
/** Longer than the driver takes to detect a server that no longer answers. */
const ABANDONED_WITHIN_MS = 30_000;

interface FollowerOptions {
  readonly tasks: TaskGroup;
  readonly log: MigrationLog;
  readonly token: ResumeToken;
  readonly throttle: Throttle;
  readonly verification: VerificationMode;
  readonly digests: DigestHelper | undefined;
}

/** Follows the source from a token on, with catalog, copy, spool and lanes. It is a running migration without its lifecycle. */
export class StreamFollower implements RunningStream {
  readonly #context: RunContext;
  readonly #tasks: TaskGroup;
  readonly #lanes: Lanes;
  readonly #spool: Spool;
  readonly #displaced: Displaced;
  readonly #indexes: IndexKeeper;
  readonly #copier: Copier;
  readonly #watermark: Watermark;
  readonly #progress: StreamProgress;
  readonly #catalog: SourceCatalog;
  readonly #dispatcher: Dispatcher;
  readonly #repairs: Repairs;
  readonly #verification: Verification;
  readonly #log: MigrationLog;
  readonly oplog: OplogWatch;
  readonly unstreamed: UnstreamedWatch;
  readonly lag: LagProbe;
  readonly #stopped = new AbortController();
  readonly #abandoned = new AbortController();
  /** The context of stream reads. It ends on `stop()`. */
  readonly #reading: RunContext;
  readonly #running = new Set<Promise<void>>();
  /** Closed while the engine must not take batches from the stream. */
  readonly #intake = new Gate();
  #dispatching: Promise<void> = Promise.resolve();
  #stream: ChangeStream;
  #hurried = 0;
  /** The source's time in its last answer. */
  #sourceTime: Timestamp | undefined;

  constructor(run: RunContext, { tasks, log, token, throttle, verification, digests }: FollowerOptions) {
    const context = within(run, this.#abandoned.signal);
    this.#context = context;
    this.#reading = within(context, this.#stopped.signal);
    this.#log = log;
    this.#tasks = tasks;
    const time = timeOfToken(token);
    context.position.time = time;
    this.#stream = ChangeStream.ofSource(this.#reading, token);
    this.#indexes = new IndexKeeper(context, (error) => this.#start(() => Promise.reject(error)));
    this.#spool = new Spool(context);
    this.#displaced = new Displaced(context);
    const shared = { indexes: this.#indexes, spool: this.#spool, displaced: this.#displaced };
    this.#lanes = new Lanes(context, shared, {
      revive: (collection) => this.#start(() => this.#copier.revive(collection)),
      applied: (collection, dirty) => this.#verification.applied(collection, dirty),
      displaced: (dirty) => this.#lanes.add(dirty),
      isHurried: () => this.#hurried > 0,
    });
    this.#copier = new Copier(context, this.#spool, this.#lanes, this.#indexes, throttle);
    this.#watermark = new Watermark(
      { token, time },
      {
        unapplied: () => Math.min(this.#lanes.oldestSequence, this.#spool.oldestSequence), // rule: checkpoint-after-lanes
        uncompared: () => this.#verification.oldestSequence,
      },
    );
    this.#progress = new StreamProgress({
      watermark: this.#watermark,
      uncompared: () => this.#verification.oldestSequence,
      searchedTo: () => this.unstreamed.time,
    });
    const stream = {
      passedTo: () => this.#progress.passedTo,
      isHurried: () => this.#hurried > 0,
      isLive: () => this.allLive,
    };
    this.#verification = new Verification(
      this.#reading,
      { lanes: this.#lanes, throttle, stream },
      { mode: verification, digests, externalTo: log.record.externalTo },
      (task) => this.#start(task),
    );
    const verificationForgotten = (collection: TrackedCollection) => this.#verification.untilForgotten(collection);
    const uses = { lanes: this.#lanes, copier: this.#copier, throttle, verificationForgotten };
    this.#repairs = new Repairs(context, uses, (task) => this.#start(task));
    this.oplog = new OplogWatch(context, () => this.#watermark.safe.time);
    const bringInStep: BringInStep = (...changed) => this.#bringCatalogInStep(...changed);
    // Data that was read by name needs a catalog that doesn't change, also after an upgrade of the source.
    const isFollowed = context.sourceFeatures.showsCatalogChanges && log.record.catalog === undefined;
    this.#catalog = isFollowed
      ? new FollowedCatalog(context, bringInStep)
      : new FixedCatalog(context, log.record.catalog, bringInStep);
    const sinks = { lanes: this.#lanes, spool: this.#spool, watermark: this.#watermark };
    this.#dispatcher = new Dispatcher(context, sinks, this.#catalog, (concerned) => this.#declareUnstreamed(concerned));
    this.unstreamed = new UnstreamedWatch(this.#reading, log.record.watchedTo ?? time, {
      found: (writes) =>
        takeUnstreamed(this.#reading, writes, {
          lanes: this.#lanes,
          dispatcher: this.#dispatcher,
          declareUnstreamed: (concerned) => this.#declareUnstreamed(concerned),
          flush: () => this.flush(this.#reading.signal),
          applied: (sequence) => this.#progress.appliedUnstreamed(sequence),
        }),
      lost: () =>
        declareMissed(context, log, 'the oplog no longer reaches back to where it was searched for unstreamed writes'),
      hurried: () => this.#hurried > 0,
    });
    this.lag = new LagProbe(this.#reading, {
      hasApplied: (time) => this.#progress.hasApplied(time),
      hasCompared: (time) => this.#progress.hasCompared(time),
      times: () => this.#sourceTime && { source: this.#sourceTime, applied: this.#watermark.applied.time },
    });
  }

  /** The position at which a successor can resume. */
  get safeToken(): ResumeToken {
    return this.#watermark.safe.token;
  }

  /** The time from which a successor searches for writes that the stream doesn't show. It is never later than the token's. */
  get safeWatchedTo(): Timestamp {
    const { comparedTo } = this.#progress;
    const { searchedTo } = this.unstreamed;
    return isBefore(searchedTo, comparedTo) ? searchedTo : comparedTo; // rule: record-search-position
  }

  get queued(): number {
    return this.#lanes.queued;
  }

  /** The time of the source to which the destination is proven equal; undefined while something isn't compared, or differs. */
  get provenAt(): Timestamp | undefined {
    const isProven = !this.#verification.isOff && this.#progress.isCompared && this.#verification.isClean;
    return isProven && this.allLive ? this.#progress.comparedTo : undefined; // rule: equal-up-to-search
  }

  get verification(): Verification {
    return this.#verification;
  }

  /** Whether every collection is live, none may have missed changes, and no document that made room is missing. */
  get allLive(): boolean {
    if (this.#repairs.held || this.#context.drops.any || !this.#indexes.idle) return false; // rule: no-end-while-drops-held
    return [...this.#context.tracked.values()].every(
      ({ state, suspicion, displaced }) => state === 'live' && suspicion === null && displaced.size === 0, // rule: ready-after-repairs
    );
  }

  /** Applies the operator's load level. */
  adjustLoad(): void {
    this.#copier.adjustLoad();
    this.#repairs.adjustLoad();
    this.#verification.adjustLoad();
  }

  /** Compares the catalogs once, then follows the source. */
  async start(): Promise<void> {
    const { signal } = this.#context;
    this.#start(() => this.oplog.watch());
    // Must run before the first batch is requested: after lost history, that starts copies, which need lanes and spool to end.
    this.#start(() => this.#lanes.run(signal));
    this.#start(() => this.#flushSpool());
    // An earlier run has found that the source went back.
    this.#repairs.held = this.#log.record.unconfirmedHistory != null; // rule: unconfirmed-history-survives-restart
    // Shows whether the source still has its history, before anything depends on it.
    const first = await this.#next(IDLE_WAIT_MS);
    await this.#loadVerification();
    await this.#catalog.start();
    for (const displaced of await this.#displaced.load()) this.#lanes.add(displaced); // rule: reread-displaced-after-restart
    this.#start(() => this.#repairs.run());
    this.#start(() => this.#verification.run());
    this.#start(() => this.#catalog.watch());
    this.#start(() => this.unstreamed.run());
    this.#start(() => this.lag.run());
    this.#start(() => this.#follow(first));
  }

  /** A term with `--no-verify`, or of a version that doesn't verify, has applied changes that were not compared. */
  async #loadVerification(): Promise<void> {
    const { term, verifiedTerm } = this.#log.record;
    const isNew = verifiedTerm === term;
    await this.#verification.load(verifiedTerm === term - 1, isNew); // rule: compare-anew-after-gap
    if (!this.#verification.isOff && !isNew) await this.#log.save({ verifiedTerm: term });
  }

  /** Starts a task of the run. Its failure doesn't count once the stream has stopped or was abandoned. */
  #start(task: () => Promise<void>): Promise<void> {
    const running = this.#tasks.start(async () => {
      await task().catch((error: unknown) => {
        if (!this.#stopped.signal.aborted && !this.#abandoned.signal.aborted) throw error;
      });
    });
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return running;
  }

  async inStepAt(time: Timestamp, signal: AbortSignal): Promise<void> {
    using _ = this.hurry();
    await this.#context.changes.until(() => this.isInStepAt(time), signal, LOOK_AGAIN_AFTER_MS);
  }

  isInStepAt(time: Timestamp): boolean {
    return this.#progress.hasCompared(time) && this.#verification.isSettled && this.allLive; // rule: settled-before-commit
  }

  async hold(signal: AbortSignal): Promise<void> {
    this.#intake.close(); // rule: close-intake-after-last-look
    const taken = this.#dispatching.catch(() => undefined).then(() => this.flush());
    await unlessAborted(taken, signal);
    if (!signal.aborted) return;
    taken.catch(() => undefined); // The task that does this work fails the run.
    this.release();
    signal.throwIfAborted();
  }

  async lookAtDestination(): Promise<void> {
    await this.#verification.lookAtDestination();
  }

  release(): void {
    this.#intake.open();
  }

  hurry(): Disposable {
    this.#hurried += 1;
    this.#context.changes.notify();
    return {
      [Symbol.dispose]: () => {
        this.#hurried -= 1;
      },
    };
  }

  stop(): void {
    // Doesn't wait for a source that no longer answers: applications are waiting for the destination.
    this.#stopped.abort();
  }

  /** Ends everything as it is, for a cancelled migration. Needs no answer of either cluster. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    const ended = new AbortController();
    const all = Promise.all(this.#running).then(() => ended.abort());
    // A request to a silent server ends when the driver detects that. A long index build continues there, until its collection
    // is dropped.
    await Promise.race([all, this.#context.clock.sleep(ABANDONED_WITHIN_MS, ended.signal)]);
  }

  async confirmCatalog(): Promise<void> {
    await this.#catalog.confirm();
  }

  /** Resolves when everything taken from the stream is on the destination or in the spool, or when `over` aborts. */
  async flush(over?: AbortSignal): Promise<void> {
    const flushed = this.#spool.flush().then(() => this.#lanes.flush());
    await (over === undefined ? flushed : unlessAborted(flushed, over));
  }

  async #follow(first: StreamBatch | undefined): Promise<void> {
    const { gate, signal } = this.#context;
    try {
      for (let batch = first; batch !== undefined; ) {
        while (this.#intake.closed) await this.#intake.pass(this.#reading.signal);
        this.#dispatching = this.#dispatcher.dispatch(batch);
        await this.#dispatching;
        this.unstreamed.follow(batch.time);
        await gate.pass(signal);
        await this.#verification.rechecks.room(this.#reading.signal);
        batch = await this.#next(this.#hurried > 0 ? HURRIED_WAIT_MS : IDLE_WAIT_MS);
      }
    } finally {
      await this.#stream[Symbol.asyncDispose]();
    }
  }

  /**
   * Returns the next batch of the stream. If the source no longer has it, marks all collections that may have missed changes,
   * and returns the first batch of a new stream.
   * @returns undefined after `stop()`
   */
  async #next(waitMs: number): Promise<StreamBatch | undefined> {
    while (!this.#stopped.signal.aborted) {
      try {
        if (this.#repairs.held) {
          await untilHistoryConfirmed(this.#reading, this.#log, (task) => this.#start(task));
          await this.#reopenStream();
        }
        const batch = await this.#stream.next(waitMs);
        this.#sourceTime = batch.operationTime ?? batch.time;
        return batch;
      } catch (error) {
        if (this.#stopped.signal.aborted) break; // The engine has all batches that it needs.
        if (!isHistoryLost(error)) throw error;
        this.#repairs.held = true;
        await declareLoss(this.#context, this.#log, error.cause);
      }
    }
    return undefined;
  }

  async #declareUnstreamed(concerned: (collection: TrackedCollection) => boolean): Promise<void> {
    const reason = 'some were written in a way that no change stream shows, as applyOps and convertToCapped do';
    await declareMissed(this.#context, this.#log, reason, concerned);
  }

  /**
   * Opens a new stream at the current time. If the engine is killed before the new position is on record, its successor
   * finds the history lost again.
   */
  async #reopenStream(): Promise<void> {
    const { checkpoint, position } = this.#context;
    await this.#stream[Symbol.asyncDispose]();
    await confirmSource(this.#reading); // rule: confirm-source-of-position
    historyOf(this.#context.source).forget();
    const token = await fixPosition(this.#context);
    position.time = timeOfToken(token);
    // A copy that began in the meantime may have read before this position.
    await markSuspect(this.#context);
    this.#verification.dropSuspectKeys(); // rule: drop-suspect-keys
    this.#dispatcher.goOnAt(token);
    this.unstreamed.goOnAt(position.time);
    this.#progress.forgetUnstreamed();
    await checkpoint.save({ token, watchedTo: position.time, ...historyOf(this.#context.source).record });
    await failpoint('engine.capture.position-fixed-anew');
    await this.#catalog.start();
    this.#stream = ChangeStream.ofSource(this.#reading, token, true);
    this.#repairs.held = false;
    this.#context.stateChanges.notify();
  }

  async #flushSpool(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      await this.#spool.flush();
      await clock.sleep(SPOOL_FLUSH_EVERY_MS, signal);
    }
  }

  async #bringCatalogInStep(...[databases, reindexed]: Parameters<BringInStep>): Promise<void> {
    await reconcileCatalog(this.#context, databases);
    await this.#copier.takeUp((task) => this.#start(task));
    for (const collection of this.#context.tracked.values()) {
      // A collection that is being copied gets its indexes after the copy. All others have to follow every change.
      if (!collection.isCopied || !reindexed(collection) || this.#context.drops.has(collection)) continue;
      this.#start(() => this.#indexes.keep(collection));
    }
  }
}
