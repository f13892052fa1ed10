import { Timestamp } from 'mongodb';
import { messageOf, reach, systemClock, UserError } from '../../platform/index.ts';
import { authenticatedUsers } from '../accounts/definition.ts';
import { clearTransit } from '../accounts/make-accounts.ts';
import { UsersAndRoles } from '../accounts/users-and-roles.ts';
import { SeenChanges } from '../apply/seen-changes.ts';
import { HeldDrops } from '../collections/held-drops.ts';
import { MadeViews } from '../collections/made-views.ts';
import { TrackedCollections } from '../collections/tracked-collections.ts';
import { Changes } from '../concurrency/changes.ts';
import { Gate } from '../concurrency/gate.ts';
import { MemoryBudget } from '../concurrency/memory-budget.ts';
import { TaskGroup } from '../concurrency/task-group.ts';
import { Throttle } from '../concurrency/throttle.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { DEFAULT_LOAD_LEVEL, type LoadLevel, loadOf } from '../copy/load-level.ts';
import { DEFAULT_PARTITION_BYTES } from '../copy/plan-partitions.ts';
import { commitOnce } from '../cutover/commit-once.ts';
import { cutOver, finishCutover } from '../cutover/cut-over.ts';
import { reopenAfterFailure, settleOpenBlock } from '../cutover/source-block.ts';
import { Fence } from '../mongodb/fence.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { Finding } from '../preflight/finding.ts';
import { CheckpointStore, type MigrationFields } from '../records/checkpoint-store.ts';
import { otherDestination, watchClusters } from '../records/confirm-clusters.ts';
import { newCounters, recordedCounts } from '../records/counters.ts';
import { takenBy } from '../records/destination-owner.ts';
import { MadeAccounts } from '../records/made-accounts.ts';
import { MigrationLog } from '../records/migration-log.ts';
import type { MigrationState } from '../records/migration-state.ts';
import { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import { thisEngine } from '../records/running-engine.ts';
import { within } from '../records/within.ts';
import { CutoverAttempts } from '../report/cutover-attempts.ts';
import type { Outcome, Progress, ResumedFrom, WantedState } from '../report/progress.ts';
import { snapshot } from '../report/snapshot.ts';
import { Speed } from '../report/speed.ts';
import { lastRefusal } from '../report/waits.ts';
import { whyNotReady } from '../report/why-not-ready.ts';
import { DocumentFilters } from '../scope/document-filters.ts';
import { NamespaceMap } from '../scope/namespace-map.ts';
import { type MigrationOptions, selectionOf } from '../scope/options.ts';
import { Selection } from '../scope/selection.ts';
import { type Cancellation, cancel } from './cancel.ts';
import { IndexBuilds } from './index-builds.ts';
import type { Clusters } from './open-clusters.ts';
import type { RunParts } from './parts.ts';
import { Pings } from './pings.ts';
import { clearLeftSpools, loadTracked, prepareNew } from './prepare.ts';
import { RunFindings } from './run-findings.ts';
import { StreamFollower } from './stream-follower.ts';

const CHECKPOINT_EVERY_MS = 5_000;
/** For what depends on the time. Changes of states and wishes wake the run at once. */
const LOOK_AGAIN_AFTER_MS = 250;
/** Whoever stops a run waits for it; what it leaves is for the watchdog. */
const LAST_ACTS_WITHIN_MS = 5_000;
/** For one write. Without it, the next engine on another host waits 30 s. */
const LEAVES_WITHIN_MS = 2_000;
/** A failure is told only after it, for then nobody may reach the clusters any more. */
const REOPEN_WITHIN_MS = 60_000;
/** Collections that are dropped to be made anew are there again by then. */
const MADE_ANEW_WITHIN_MS = 10_000;

function writerWarnings({ migrationId, earlierWriter }: CheckpointStore): UserError[] {
  return earlierWriter === undefined ? [] : [new UserError('WRITER_CHANGED', [migrationId, earlierWriter])];
}

/** One run of a migration by this process, from opening the connections to closing them. */
export class MigrationRun {
  readonly #options: MigrationOptions;
  readonly #tasks: TaskGroup;
  readonly #stop: AbortSignal;
  readonly #throttle: Throttle;
  readonly context: RunParts;
  readonly log: MigrationLog;
  readonly addresses: { readonly source: string; readonly destination: string };
  readonly warnings: readonly string[];
  readonly findings: RunFindings;
  readonly pings: Pings;
  readonly indexBuilds: IndexBuilds;
  readonly speed = new Speed();
  readonly attempts: CutoverAttempts;
  follower: StreamFollower | undefined;
  resumedFrom: ResumedFrom | undefined;
  /** Whether what is on record is known: before that there are no figures to tell. */
  loaded = false;
  /** What it failed of. */
  failure: Progress['error'];
  #wanted: WantedState = 'running';
  readonly #givenUp = new AbortController();
  #cancellation: Cancellation | undefined;

  private constructor(
    options: MigrationOptions,
    parts: {
      readonly tasks: TaskGroup;
      readonly stop: AbortSignal;
      readonly context: RunParts;
      readonly log: MigrationLog;
      readonly addresses: MigrationRun['addresses'];
      readonly warnings: readonly string[];
      readonly findings: readonly Finding[];
    },
  ) {
    this.#options = options;
    this.#tasks = parts.tasks;
    this.#stop = parts.stop;
    this.context = parts.context;
    this.log = parts.log;
    this.addresses = parts.addresses;
    this.warnings = parts.warnings;
    this.findings = new RunFindings(parts.context, options, parts.findings);
    this.#throttle = new Throttle(Number.POSITIVE_INFINITY, parts.context.clock);
    this.limitCopy(Number.POSITIVE_INFINITY);
    this.pings = new Pings(parts.context);
    this.attempts = new CutoverAttempts(parts.context.clock);
    this.indexBuilds = new IndexBuilds(parts.context);
  }

  /**
   * Takes the migration.
   * @param stop  the operator's wish to end this run
   * @param waiting  tells what the opening itself waits for
   * @param clusters  closed when the run ends, and when it can't begin
   * @throws UserError what keeps it from starting; then nothing was changed
   */
  static async open(
    options: MigrationOptions,
    stop: AbortSignal,
    waiting: Retrier,
    { source, destination, checked }: Clusters,
  ): Promise<MigrationRun> {
    try {
      const tasks = new TaskGroup();
      const clock = options.clock ?? systemClock;
      const changes = new Changes(clock);
      const stateChanges = new Changes(clock, changes);
      const fence = new Fence(destination, options.migrationId, clock);
      const signal = AbortSignal.any([stop, tasks.signal, fence.signal]);
      const retrier = waiting.but(signal);
      const store = new CheckpointStore(fence);
      const checkpoint = new RetryingCheckpointStore(store, retrier);
      const identity = {
        sourceId: checked.source.clusterId,
        destinationId: checked.destination.clusterId,
        selection: selectionOf(options),
        writer: [...(await authenticatedUsers(destination))].join(', '),
        engine: thisEngine(clock.now()),
      };
      const record = await checkpoint.take(identity, options.takeOver ?? false);
      const context: RunParts = {
        source,
        sourceFeatures: checked.sourceFeatures,
        destination,
        fence,
        checkpoint,
        retrier,
        clock,
        logger: options.logger,
        signal,
        gate: new Gate(),
        counters: { ...newCounters(), ...record.counts },
        seen: new SeenChanges(),
        memory: new MemoryBudget(options.memoryBytes),
        tracked: new TrackedCollections(stateChanges),
        changes,
        stateChanges,
        views: new MadeViews(store),
        drops: new HeldDrops(options.confirmDrops ?? false),
        identity,
        position: { time: new Timestamp(0n) },
        pace: { load: loadOf(DEFAULT_LOAD_LEVEL) },
        selection: new Selection(options.filters),
        accounts: new UsersAndRoles(source, fence, new MadeAccounts(fence, checked.source.clusterId)),
        movesAccounts: options.usersAndRoles ?? false,
        namespaces: new NamespaceMap(options.namespaceRemap),
        documentFilters: new DocumentFilters(options.documentFilters),
        keepsDestination: options.keepDestination ?? false,
        addresses: { source: options.source, destination: options.destination },
        partitionBytes: options.partitionBytes ?? DEFAULT_PARTITION_BYTES,
      };
      return new MigrationRun(options, {
        tasks,
        stop,
        context,
        log: new MigrationLog(checkpoint, clock, record),
        addresses: { source: checked.source.primary, destination: checked.destination.primary },
        findings: checked.warnings,
        warnings: writerWarnings(store).map(({ message }) => message),
      });
    } catch (error) {
      await Promise.all([source.close(), destination.close()]);
      throw error;
    }
  }

  /** Runs to the end, the operator's stop or a failure, which is recorded first. Closes the connections in any case. */
  async toEnd(): Promise<Outcome> {
    try {
      const outcome = await this.#work();
      await this.#tasks.stop();
      // What the last seconds have counted. The outcome is on record.
      await this.#saveLastCheckpoint().catch(() => undefined);
      return outcome;
    } catch (error) {
      // A task's failure aborts the others, and is the reason for what the main line threw.
      const failure = await this.#tasks.stop().then(
        () => error,
        (first: unknown) => first,
      );
      await this.#saveLastCheckpoint().catch(() => undefined); // The failure is what counts.
      const reopenWithinMs = this.#stop.aborted ? LAST_ACTS_WITHIN_MS : REOPEN_WITHIN_MS;
      await reopenAfterFailure(this.context, this.log, AbortSignal.timeout(reopenWithinMs));
      // Then the migration's state is its successor's to tell.
      if (this.context.fence.signal.aborted) throw await this.#whyLost();
      if (this.#stop.aborted) return 'stopped';
      throw await this.#recordFailure(failure);
    } finally {
      const left = this.context.checkpoint.unretried.leave().catch(() => undefined); // It may be another engine's by now.
      await unlessAborted(left, AbortSignal.timeout(LEAVES_WITHIN_MS));
      await Promise.allSettled([this.context.source.close(), this.context.destination.close()]);
    }
  }

  /** Given when the operator gives the migration up. */
  set cancellation(cancellation: Cancellation | undefined) {
    this.#cancellation = cancellation;
    if (cancellation !== undefined) this.#givenUp.abort();
    this.context.stateChanges.notify();
  }

  set wanted(wanted: WantedState) {
    this.#wanted = wanted;
    this.context.stateChanges.notify();
  }

  setLoadLevel(level: LoadLevel): void {
    this.context.pace.load = loadOf(level);
    this.follower?.adjustLoad();
  }

  /** Limits the initial copy, within what the options allow. @param bytesPerSecond  Infinity for no other limit than that */
  limitCopy(bytesPerSecond: number): void {
    this.#throttle.bytesPerSecond = Math.min(bytesPerSecond, this.#options.copyBytesPerSecond ?? bytesPerSecond);
  }

  /** Has drops followed that wait for a confirmation, and all to come. */
  confirmDrops(): void {
    this.context.drops.permit();
  }

  /** Why a cutover can't begin; empty when it can. */
  get notReadyReasons(): string[] {
    return whyNotReady(this);
  }

  async #work(): Promise<Outcome> {
    const { log, context } = this;
    await loadTracked(context);
    this.loaded = true;
    const { state } = log.record;
    if (log.record.token !== undefined) this.#noteResumed(state);
    if (state === 'committed' || state === 'cancelled') return state;
    const neverBegan = log.record.token === undefined && log.record.blocksDestination === undefined;
    if (this.#cancellation === undefined || !neverBegan) await this.#takeDestination();
    await clearLeftSpools(context);
    await context.retrier.run('the destination', () => clearTransit(context.fence));
    if (log.record.cutover?.committed) {
      if (log.record.error !== undefined) {
        await log.forgetFailure();
        await log.advance('finish resumed');
      }
      await finishCutover(context, log);
      return 'committed';
    }
    await settleOpenBlock(context, log);
    if (this.#cancellation !== undefined) return await cancel(context, log, this.#cancellation);
    if (log.record.error !== undefined) await log.forgetFailure();
    this.#tasks.start(() => this.#saveCheckpoints());
    this.#tasks.start(() => this.findings.addAdvice());
    let follower: StreamFollower;
    try {
      follower = await this.#startFollowing();
    } catch (error) {
      if (this.#cancellation === undefined) throw error;
      await this.follower?.abandon();
      return await cancel(context, log, this.#cancellation);
    }
    this.#tasks.start(() => this.pings.run());
    this.#tasks.start(() => watchClusters(context));
    this.#tasks.start(() => this.indexBuilds.run());
    if (this.#options.once) this.#tasks.start(() => this.#refuseHeldDrops());
    this.#tasks.start(() => this.speed.run(context, () => snapshot(this, this.#options)));
    return await this.#steer(follower);
  }

  #noteResumed(state: MigrationState): void {
    const { documentsCopied, bytesCopied } = snapshot(this, this.#options).copy;
    const { savedAt } = this.log.record;
    this.resumedFrom = { state, savedAtMs: savedAt?.getTime() ?? null, documentsCopied, bytesCopied };
    this.context.logger.info(this.resumedFrom, 'resuming from the checkpoint');
  }

  /** A source that is gone must not keep a migration from being given up at this point, either. */
  async #startFollowing(): Promise<StreamFollower> {
    const { context, log } = this;
    const token = log.record.token ?? (await prepareNew(within(context, this.#givenUp.signal), log, this.#options));
    await log.advance('copy begun');
    const follower = new StreamFollower(context, {
      tasks: this.#tasks,
      log,
      token,
      throttle: this.#throttle,
      verification: this.#options.verification ?? 'repair',
    });
    this.follower = follower;
    const abandon = () => void follower.abandon();
    this.#givenUp.signal.addEventListener('abort', abandon);
    await follower.start().finally(() => this.#givenUp.signal.removeEventListener('abort', abandon));
    return follower;
  }

  async #takeDestination(): Promise<void> {
    const { checkpoint, keepsDestination: keeps } = this.context;
    await checkpoint.takeDestination({ keeps, mayDrop: this.#options.dropDestination });
  }

  /** Does what is wanted, as soon as the state allows it. */
  async #steer(follower: StreamFollower): Promise<Outcome> {
    const { log, context } = this;
    while (true) {
      context.signal.throwIfAborted();
      if (this.#cancellation !== undefined) {
        await follower.abandon();
        return await cancel(context, log, this.#cancellation);
      }
      if (this.#wanted === 'paused') await this.#pause(follower);
      if (log.record.state === 'copying' && follower.allLive) await log.advance('caught up');
      const refusal = this.#options.once ? lastRefusal(context) : undefined;
      if (refusal !== undefined) throw refusal;
      if (log.record.state === 'tailing' && this.#options.once && follower.verification.isClean) {
        await commitOnce(context, log, follower);
        await finishCutover(context, log);
        return 'committed';
      }
      if (this.#wanted === 'cutover' && this.notReadyReasons.length === 0) {
        if (!(await follower.verification.confirm())) continue;
        await this.findings.repeatAtCutover();
        const { bypassingWrites = 'drain' } = this.#options;
        const ended = await cutOver(context, log, follower, { calledOff: this.#givenUp.signal, bypassingWrites });
        if (ended === 'committed') {
          this.attempts.clear();
          await finishCutover(context, log);
          return 'committed';
        }
        if (ended !== 'called off') this.attempts.add(ended);
        await log.advance('cutover put off');
      }
      if (this.#wanted !== 'cutover') this.attempts.clear();
      await context.stateChanges.next(context.signal, LOOK_AGAIN_AFTER_MS);
    }
  }

  /** Nobody is there to confirm them. @throws UserError DROPS_UNCONFIRMED */
  async #refuseHeldDrops(): Promise<void> {
    const { clock, drops, signal, stateChanges } = this.context;
    while (!signal.aborted) {
      const refusal = drops.refusal(clock, MADE_ANEW_WITHIN_MS);
      if (refusal !== undefined) throw refusal;
      await stateChanges.next(signal, LOOK_AGAIN_AFTER_MS);
    }
  }

  async #pause(follower: StreamFollower): Promise<void> {
    const { state } = this.log.record;
    this.context.gate.close();
    await follower.flush(this.#givenUp.signal);
    await this.#saveCheckpoint();
    await this.log.advance('paused');
    const isOver = () => this.#wanted !== 'paused' || this.#cancellation !== undefined || this.context.signal.aborted;
    while (!isOver()) await this.context.stateChanges.next(this.context.signal, LOOK_AGAIN_AFTER_MS);
    this.context.gate.open();
    if (!this.context.signal.aborted) await this.log.advance(state === 'tailing' ? 'tail resumed' : 'copy resumed');
  }

  async #saveCheckpoints(): Promise<void> {
    const { clock, signal } = this.context;
    while (!signal.aborted) {
      await clock.sleep(CHECKPOINT_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#saveCheckpoint();
    }
  }

  async #saveCheckpoint(): Promise<void> {
    await this.context.checkpoint.save(() => this.#position());
    if (this.follower !== undefined) await reach('engine.checkpoint.saved');
  }

  /** Tries once: the run's signal has aborted already. */
  async #saveLastCheckpoint(): Promise<void> {
    await this.context.checkpoint.unretried.save(this.#position());
    if (this.follower !== undefined) await reach('engine.checkpoint.saved');
  }

  #position(): MigrationFields {
    // Also without a follower: the record shows that an engine runs the migration.
    if (this.follower === undefined) return {};
    return {
      token: this.follower.safeToken,
      watchedTo: this.follower.safeWatchedTo,
      ...this.follower.verification.position,
      counts: recordedCounts(this.context.counters),
    };
  }

  /** Another engine has the migration, or another migration its destination. One that was initiated anew has no record of it either. */
  async #whyLost(): Promise<unknown> {
    const { checkpoint, fence } = this.context;
    const other = await otherDestination(this.context).catch(() => undefined);
    if (other !== undefined) return await this.#recordFailure(other);
    const retiredBy = (await checkpoint.unretried.peek().catch(() => undefined))?.retiredBy;
    if (retiredBy === undefined) return fence.signal.reason;
    return takenBy(checkpoint.migrationId, retiredBy);
  }

  async #recordFailure(error: unknown): Promise<UserError> {
    const known =
      error instanceof UserError ? error : new UserError('INTERNAL_ERROR', [messageOf(error)], { cause: error });
    this.failure = { code: known.code, message: known.message, remedy: known.remedy };
    await this.log.fail(this.failure).catch((cause: unknown) => {
      this.context.logger.error({ error: messageOf(cause) }, 'The failure could not be recorded on the destination');
    });
    return known;
  }
}
