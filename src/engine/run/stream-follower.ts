import type { Timestamp } from 'mongodb';
import { messageOf, reach } from '../../platform/index.ts';
import { Lanes } from '../apply/lanes.ts';
import { Spool } from '../apply/spool.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { ChangeStream, isHistoryLost, type ResumeToken, type StreamBatch } from '../capture/change-stream.ts';
import { Dispatcher } from '../capture/dispatcher.ts';
import { fixPosition } from '../capture/fix-position.ts';
import { FixedCatalog } from '../capture/fixed-catalog.ts';
import { FollowedCatalog } from '../capture/followed-catalog.ts';
import { HiddenWatch } from '../capture/hidden-watch.ts';
import type { OplogKeys } from '../capture/oplog-keys.ts';
import { OplogWatch } from '../capture/oplog-watch.ts';
import type { SourceCatalog } from '../capture/source-catalog.ts';
import { Watermark } from '../capture/watermark.ts';
import { IndexKeeper } from '../collections/index-keeper.ts';
import { reconcileCatalog } from '../collections/reconcile.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Gate } from '../concurrency/gate.ts';
import type { TaskGroup } from '../concurrency/task-group.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { Copier } from '../copy/copier.ts';
import type { RunningStream } from '../cutover/running-stream.ts';
import { isBefore, timeOfToken } from '../mongodb/cluster-time.ts';
import { confirmSource } from '../records/confirm-clusters.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import { within } from '../records/within.ts';
import type { VerificationMode } from '../scope/options.ts';
import { Repairs } from '../verify/repairs.ts';
import { markSuspect } from '../verify/suspicion.ts';
import { Verification } from '../verify/verification.ts';
import type { RunParts } from './parts.ts';

const IDLE_WAIT_MS = 250;
const HURRIED_WAIT_MS = 5;
const SPOOL_FLUSH_EVERY_MS = 50;
/** For conditions that depend on the time. Whatever else they depend on wakes those who wait. */
const LOOK_AGAIN_AFTER_MS = 250;
/** A source that loses its history again and again is not asked more often. */
const AFTER_LOSS_MS = 250;
/** Longer than it takes to find out that a server has fallen silent. */
const ABANDONED_WITHIN_MS = 30_000;

/** The parts of a run that only the follower needs. */
interface FollowerParts {
  readonly tasks: TaskGroup;
  readonly log: MigrationLog;
  readonly token: ResumeToken;
  readonly throttle: Throttle;
  readonly verification: VerificationMode;
}

/** Follows the source from a token on: catalog, copy, spool, lanes. Everything of a running migration but its lifecycle. */
export class StreamFollower implements RunningStream {
  readonly #context: RunParts;
  readonly #tasks: TaskGroup;
  readonly #lanes: Lanes;
  readonly #spool: Spool;
  readonly #indexes: IndexKeeper;
  readonly #copier: Copier;
  readonly #watermark: Watermark;
  readonly #catalog: SourceCatalog;
  readonly #dispatcher: Dispatcher;
  readonly #repairs: Repairs;
  readonly #verification: Verification;
  readonly #log: MigrationLog;
  readonly oplog: OplogWatch;
  readonly hidden: HiddenWatch;
  readonly #stopped = new AbortController();
  readonly #abandoned = new AbortController();
  /** Of what reads the stream. */
  readonly #reading: RunParts;
  readonly #running = new Set<Promise<void>>();
  /** Closed while nothing is to be taken from the stream. */
  readonly #intake = new Gate();
  #dispatching: Promise<void> = Promise.resolve();
  #stream: ChangeStream;
  #hurried = 0;
  #watchedTo: Timestamp;
  #latest: { readonly batch: StreamBatch; readonly atMs: number } | undefined;

  constructor(run: RunParts, { tasks, log, token, throttle, verification }: FollowerParts) {
    const context = within(run, this.#abandoned.signal);
    this.#context = context;
    this.#reading = within(context, this.#stopped.signal);
    this.#log = log;
    this.#tasks = tasks;
    const time = timeOfToken(token);
    context.position.time = time;
    this.#stream = new ChangeStream(this.#reading, token);
    this.#indexes = new IndexKeeper(context, (error) => this.#start(() => Promise.reject(error)));
    this.#spool = new Spool(context);
    this.#lanes = new Lanes(context, this.#indexes, this.#spool, {
      revive: (collection) => this.#start(() => this.#copier.revive(collection)),
      applied: (collection, dirty) => this.#verification.applied(collection, dirty),
    });
    this.#copier = new Copier(context, this.#spool, this.#lanes, this.#indexes, throttle);
    this.#watermark = new Watermark(
      { token, time },
      {
        unapplied: () => Math.min(this.#lanes.oldestSequence, this.#spool.oldestSequence),
        uncompared: () => this.#verification.oldestSequence,
      },
    );
    const parts = { lanes: this.#lanes, copier: this.#copier, throttle };
    const stream = {
      hasApplied: (until: Timestamp) => this.#hasApplied(until),
      isHurried: () => this.#hurried > 0,
      isLive: () => this.allLive,
    };
    const { foreignTo } = log.record;
    this.#verification = new Verification(
      this.#reading,
      { lanes: this.#lanes, throttle, stream },
      { mode: verification, foreignTo },
      (task) => this.#start(task),
    );
    this.#repairs = new Repairs(context, parts, (task) => this.#start(task));
    this.oplog = new OplogWatch(context, () => this.#watermark.safe.time);
    const { catalog: recorded } = log.record;
    const bringInStep = (databases: ReadonlySet<string>) => this.#bringCatalogInStep(databases);
    // A migration that read by name goes on so when its source is upgraded meanwhile: what it read rests on the catalog that stands still.
    const isFollowed = context.sourceFeatures.showsCatalogChanges && recorded === undefined;
    this.#catalog = isFollowed
      ? new FollowedCatalog(context, bringInStep)
      : new FixedCatalog(context, recorded, bringInStep);
    const sinks = { lanes: this.#lanes, spool: this.#spool, watermark: this.#watermark };
    this.#dispatcher = new Dispatcher(context, sinks, this.#catalog, (concerned) => this.#declareHidden(concerned));
    this.#watchedTo = log.record.watchedTo ?? time;
    this.hidden = new HiddenWatch(this.#reading, this.#watchedTo, {
      found: (writes) => this.#takeHidden(writes),
      lost: () => this.#declare('the oplog no longer reaches back to where it was searched for hidden writes'),
      hurried: () => this.#hurried > 0,
    });
  }

  /** Where a successor can go on. */
  get safeToken(): ResumeToken {
    return this.#watermark.safe.token;
  }

  /** Where a successor goes on to look for writes that the stream does not show: no later than at its token. */
  get safeWatchedTo(): Timestamp {
    const { time } = this.#watermark.safe;
    if (this.#isCompared) this.#watchedTo = isBefore(this.hidden.time, time) ? this.hidden.time : time;
    return this.#watchedTo;
  }

  /** Whether everything up to the safe position is compared, hidden writes included, whose keys wait behind it. */
  get #isCompared(): boolean {
    return this.#verification.oldestSequence > this.#watermark.safe.sequence;
  }

  get queued(): number {
    return this.#lanes.queued;
  }

  get verification(): Verification {
    return this.#verification;
  }

  /** Whether every collection is copied, indexed and followed, and nothing of it may have been missed. */
  get allLive(): boolean {
    const collections = [...this.#context.tracked.values()];
    if (this.#repairs.held || this.#context.drops.any) return false;
    return this.#indexes.idle && collections.every(({ state, suspicion }) => state === 'live' && suspicion === null);
  }

  /** Seconds behind the source by cluster time, grown by the time for which the source has not answered. */
  get lagSeconds(): number | null {
    if (this.#latest === undefined) return null;
    const { batch, atMs } = this.#latest;
    const behind = Math.max(0, batch.sourceTime.getHighBits() - this.#watermark.applied.time.getHighBits());
    const silentSeconds = Math.floor((this.#context.clock.elapsed() - atMs) / 1_000);
    return behind + (silentSeconds > 2 ? silentSeconds : 0);
  }

  /** Takes up the operator's load level. */
  adjustLoad(): void {
    this.#copier.adjustLoad();
    this.#repairs.adjustLoad();
    this.#verification.adjustLoad();
  }

  /** Compares the catalogs once, then follows. */
  async start(): Promise<void> {
    const { signal } = this.#context;
    this.#start(() => this.oplog.watch());
    // Before the first batch is asked for: what is taken up while a lost history is declared has to end.
    this.#start(() => this.#lanes.run(signal));
    this.#start(() => this.#flushSpool());
    // Whether the source still has its history is known before anything rests on it.
    const first = await this.#next(IDLE_WAIT_MS);
    await this.#verification.load();
    await this.#catalog.start();
    this.#start(() => this.#repairs.run());
    this.#start(() => this.#verification.run());
    this.#start(() => this.#catalog.watch());
    this.#start(() => this.hidden.run());
    this.#start(() => this.#follow(first));
  }

  /** What fails once the stream has ended, or was given up, is no failure of the migration any more. */
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
    const isCompared = this.#isCompared && !isBefore(this.#watermark.safe.time, time);
    return isCompared && this.#verification.isSettled && this.#hasApplied(time) && this.allLive;
  }

  #hasApplied(time: Timestamp): boolean {
    return !isBefore(this.#watermark.applied.time, time) && !isBefore(this.hidden.time, time);
  }

  async hold(signal: AbortSignal): Promise<void> {
    this.#intake.close();
    const taken = this.#dispatching
      .catch(() => undefined)
      .then(() => this.flush())
      .then(() => this.#verification.lookAtDestination());
    await unlessAborted(taken, signal);
    if (!signal.aborted) return;
    taken.catch(() => undefined); // It fails the run where it matters.
    this.release();
    signal.throwIfAborted();
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
    // Nobody waits for a source that has fallen silent: applications wait for the destination.
    this.#stopped.abort();
  }

  /** Ends everything as it stands, for a migration that was given up: neither side has to answer for that. */
  async abandon(): Promise<void> {
    this.#abandoned.abort();
    const ended = new AbortController();
    const all = Promise.all(this.#running).then(() => ended.abort());
    // What a silent server was asked ends when it is given up for dead. A long index build goes on there, until its collection is dropped.
    await Promise.race([all, this.#context.clock.sleep(ABANDONED_WITHIN_MS, ended.signal)]);
  }

  async confirmCatalog(): Promise<void> {
    await this.#catalog.confirm();
  }

  /** Resolves when all that was taken from the stream is on the destination, or in the spool; or when nobody waits for that any more. */
  async flush(givenUp?: AbortSignal): Promise<void> {
    const flushed = this.#spool.flush().then(() => this.#lanes.flush());
    await (givenUp === undefined ? flushed : unlessAborted(flushed, givenUp));
  }

  async #follow(first: StreamBatch | undefined): Promise<void> {
    const { gate, signal } = this.#context;
    try {
      for (let batch = first; batch !== undefined; ) {
        while (this.#intake.closed) await this.#intake.pass(this.#reading.signal);
        this.#dispatching = this.#dispatcher.dispatch(batch);
        await this.#dispatching;
        this.hidden.follow(batch.time);
        await gate.pass(signal);
        await this.#verification.room(this.#reading.signal);
        batch = await this.#next(this.#hurried > 0 ? HURRIED_WAIT_MS : IDLE_WAIT_MS);
      }
    } finally {
      await this.#stream[Symbol.asyncDispose]();
    }
  }

  /**
   * The next batch of the stream, or, when the source no longer has it, of a new one, once all is marked of which changes may have been missed.
   * @returns undefined when no more are to be taken
   */
  async #next(waitMs: number): Promise<StreamBatch | undefined> {
    while (!this.#stopped.signal.aborted) {
      try {
        if (this.#repairs.held) await this.#goOnFromNow();
        const batch = await this.#stream.next(waitMs);
        this.#latest = { batch, atMs: this.#context.clock.elapsed() };
        return batch;
      } catch (error) {
        if (this.#stopped.signal.aborted) break; // All that was to be taken was taken.
        if (!isHistoryLost(error)) throw error;
        await this.#declareLoss(messageOf(error.cause));
      }
    }
    return undefined;
  }

  async #declareLoss(reason: string): Promise<void> {
    this.#repairs.held = true;
    const { clock, signal } = this.#context;
    await this.#declare(reason);
    await reach('engine.capture.loss-declared');
    await clock.sleep(AFTER_LOSS_MS, signal);
  }

  /**
   * What the oplog shows and the stream does not. Documents whose keys are known are read anew; of a collection of which more was written, or
   * whose order counts, it is a loss of history.
   */
  async #takeHidden(writes: OplogKeys): Promise<void> {
    if (writes.changesCatalog) {
      await unlessAborted(this.#dispatcher.compareCatalogs(), this.#reading.signal);
      this.#reading.signal.throwIfAborted();
    }
    const readAnew = new Set<TrackedCollection>();
    for (const collection of this.#context.tracked.values())
      if (writes.isOf(collection) && this.#readAnew(collection, writes.keysOf(collection))) readAnew.add(collection);
    await this.#declareHidden((collection) => writes.isOf(collection) && !readAnew.has(collection));
    // The search goes on behind them: whoever begins where it is need not know of them.
    await this.flush(this.#reading.signal);
    this.#reading.signal.throwIfAborted();
  }

  /** @returns whether the lanes read the documents anew */
  #readAnew(collection: TrackedCollection, keys: readonly DocumentKey[] | undefined): boolean {
    if (keys === undefined || collection.isCapped || collection.state !== 'live') return false;
    const { counters, seen } = this.#context;
    const { sequence } = this.#dispatcher;
    for (const key of keys) this.#lanes.add({ collection, key, state: { kind: 'unknown' }, sequence });
    counters.read += keys.length;
    if (collection.filter === null) seen.note(collection.namespace, keys.length);
    return true;
  }

  async #declareHidden(concerned: (collection: TrackedCollection) => boolean): Promise<void> {
    await this.#declare(
      'some were written in a way that no change stream shows, as applyOps and convertToCapped do',
      concerned,
    );
  }

  /**
   * From here on the migration says what it lacks, whoever runs it.
   * @param concerned  of which collections changes may be missing; of all by default
   */
  async #declare(reason: string, concerned?: (collection: TrackedCollection) => boolean): Promise<void> {
    const { clock, logger, seen } = this.#context;
    const marked = await markSuspect(this.#context, concerned);
    if (concerned !== undefined && marked.length === 0) return;
    for (const { filter, namespace } of concerned === undefined ? [] : marked)
      if (filter === null) seen.note(namespace);
    const { declared } = this.#log.record.repairs ?? { declared: 0 };
    const collections = [...this.#context.tracked.values()].filter(({ suspicion }) => suspicion !== null).length;
    const repairs = { declared: declared + 1, atMs: clock.now(), reason, collections };
    logger.warn(repairs, 'Changes of the source were missed: collections are compared and repaired');
    await this.#log.save({ repairs });
  }

  /** Opens another stream. Killed before its position is on record, a successor finds the history lost as well. */
  async #goOnFromNow(): Promise<void> {
    const { checkpoint, position } = this.#context;
    await this.#stream[Symbol.asyncDispose]();
    await confirmSource(this.#reading);
    const token = await fixPosition(this.#context);
    position.time = timeOfToken(token);
    // A copy that has begun meanwhile may have read before this position.
    await markSuspect(this.#context);
    this.#dispatcher.goOnAt(token);
    this.hidden.goOnAt(position.time);
    this.#watchedTo = position.time;
    await checkpoint.save({ token, watchedTo: position.time });
    await reach('engine.capture.position-fixed-anew');
    await this.#catalog.start();
    this.#stream = new ChangeStream(this.#reading, token, true);
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

  async #bringCatalogInStep(databases: ReadonlySet<string>): Promise<void> {
    await reconcileCatalog(this.#context, databases);
    await this.#copier.takeUp((task) => this.#start(task));
    for (const collection of this.#context.tracked.values()) {
      // Those still being copied get their indexes after it; everything later has to hear of every change.
      if (!collection.isCopied || !databases.has(collection.sourceDatabase) || this.#context.drops.has(collection))
        continue;
      this.#start(() => this.#indexes.keep(collection));
    }
  }
}
