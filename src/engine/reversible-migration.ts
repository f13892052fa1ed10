import {
  errorDataOf,
  FIRST_ORDER,
  isLastingFailure,
  type Order,
  type Outcome,
  type Progress,
  type WantedState,
} from '../contract/index.ts';
import { type Clock, delayAfter, messageOf, redact, systemClock, UserError } from '../platform/index.ts';
import { unlessAborted } from './concurrency/unless-aborted.ts';
import { mayLeave } from './cutover/block-of-destination.ts';
import { Migration } from './migration.ts';
import { clientOf } from './mongodb/connect.ts';
import { closeFailback, closeOnEither, noteReversal } from './records/failback.ts';
import { OtherDirection } from './records/other-direction.ts';
import { shownState } from './records/shown-state.ts';
import { gatesBeforeRun } from './report/gate.ts';
import type { CheckedClusters } from './run/clusters.ts';
import { OrderedAct } from './run/ordered-act.ts';
import type { MigrationOptions } from './scope/options.ts';

/** How long the old source may take to record the end of the failback. */
const ANSWERS_WITHIN_MS = 10_000;
/** When a failback that failed begins again, so that it resumes soon after its cause is gone. */
const BACK_OFF = { firstMs: 1_000, longestMs: 60_000 };
const BEGINS_AGAIN = 'it begins again after a failure';

/**
 * A migration that may change its direction. Each direction is a migration of its own under the same id, whose records
 * are on the cluster that is its destination. After the cutover of a reversible one, the next direction begins at once,
 * and follows the side that has the users (docs/adr/0028-reverse.md).
 */
export class ReversibleMigration {
  readonly #options: MigrationOptions;
  readonly #clock: Clock;
  /** The last direction that has cut over, or the first one. */
  #current: Migration;
  /** The direction after it. */
  #failback: Migration | undefined;
  /** Aborts when the operator has closed the failback. */
  readonly #finished = new AbortController();
  /** The last attempt of a failback that failed, and its error. */
  #failed: { readonly attempt: Migration; readonly error: unknown } | undefined;
  /** The last direction after whose cutover this process has recorded that the opposite one is requested. */
  #reversed: number | undefined;
  #order: Order = FIRST_ORDER;
  readonly #act: OrderedAct;
  #closed: Order['finish'] = null;

  constructor(options: MigrationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#current = new Migration(options);
    this.#act = new OrderedAct(this.#clock, options.logger);
  }

  /** The direction that the operator sees: the last one that has cut over, or the opposite one once it is requested. */
  get current(): Migration {
    return (this.isReversing ? this.#next : undefined) ?? this.#current;
  }

  /** The direction that the operator sees: how often it was reversed. */
  get direction(): number {
    return this.current.options.reversals ?? 0;
  }

  /** Whether a failback follows a cutover. */
  get isReversible(): boolean {
    return this.#options.reversible ?? false;
  }

  /** The state that the operator wants of this direction. */
  get wanted(): WantedState {
    return this.current.wanted;
  }

  /** The `finish` that was carried out; null before the first. */
  get closed(): Order['finish'] {
    return this.#closed;
  }

  /** Whether the operator has asked for the direction after the last one that has cut over. */
  get isReversing(): boolean {
    // The record of that direction is on the other side, which may be out of reach.
    const next = this.#next;
    const { reversals = 0 } = this.#current.options;
    const isKnown = this.#reversed === reversals || this.#current.isReversed;
    return next !== undefined && (isKnown || next.isRequested);
  }

  /** Whether the failback of the last cutover is open, also while it can't run. */
  get hasFailback(): boolean {
    return this.#current.hasFailback && !this.#finished.signal.aborted;
  }

  /** The direction after the current one; undefined before the cutover, and once closed. */
  get #next(): Migration | undefined {
    const { isReversed } = this.#current;
    // An engine that starts again knows the requested direction before it has left the one that has cut over.
    if (isReversed && this.hasFailback) this.#failback ??= this.#inNextDirection();
    return this.#failback;
  }

  /** The opposite direction, which follows the current one's destination; undefined before the cutover, and once closed. */
  get failback(): Migration | undefined {
    return this.isReversing ? undefined : this.#failback;
  }

  /**
   * The progress of the failback. Unlike its own, it shows a failure that the failback couldn't record: it couldn't
   * begin, or another engine has taken it.
   */
  get failbackProgress(): Progress | undefined {
    const progress = this.failback?.progress();
    const failure = this.failbackFailure;
    if (progress === undefined || progress.error !== undefined || !(failure instanceof UserError)) return progress;
    const ended = { readyForCutover: false, notReadyReasons: ['it has failed'] };
    // rule: show-taken-over-failback
    return { ...progress, ...ended, state: 'FAILED', error: errorDataOf(failure) };
  }

  /** The progress of the current direction. While a requested one begins again after a failure, its warnings say why. */
  progress(): Progress {
    const progress = this.current.progress();
    const failure = this.isReversing ? this.failbackFailure : undefined;
    if (failure === undefined) return progress;
    const { error: _, ...known } = progress;
    const why = `The last attempt has failed: ${redact(messageOf(failure))}`;
    const remedy = failure instanceof UserError ? ` ${failure.remedy}` : '';
    return {
      ...known,
      state: 'PREPARING',
      readyForCutover: false,
      readiness: gatesBeforeRun(BEGINS_AGAIN),
      notReadyReasons: [BEGINS_AGAIN],
      warnings: [...progress.warnings, `${why}${remedy}`],
    };
  }

  /** The error that ended the failback; undefined while it follows. Unless it lasts, the failback begins again by itself. */
  get failbackFailure(): unknown {
    const attempt = this.#failback;
    const state = attempt?.progress().state;
    // Another attempt counts when it follows. A failed one may have been unable to record its failure.
    const isFailed = attempt === this.#failed?.attempt || state === 'CREATED' || state === 'PREPARING';
    return isFailed ? this.#failed?.error : undefined;
  }

  /**
   * Runs each direction to its end. Resolves with `committed` when the last one has cut over and its failback is closed
   * or none is wanted; else as {@link Migration.run}.
   * @param opened  as for {@link Migration.run}
   * @throws UserError the failure of the direction that the operator sees; that of a failback shows in its progress
   */
  async run(signal: AbortSignal, opened?: CheckedClusters): Promise<Outcome> {
    let outcome = await this.#runCurrent(AbortSignal.any([signal, this.#finished.signal]), opened);
    if (this.#finished.signal.aborted) return 'COMMITTED';
    let failures = 0;
    while (outcome === 'COMMITTED' && this.#current.hasFailback) {
      const next = this.#next ?? this.#inNextDirection();
      this.#failback = next;
      // rule: order-of-next-attempt
      this.#passOn();
      const stop = AbortSignal.any([signal, this.#finished.signal]);
      const beganAtMs = this.#clock.elapsed();
      try {
        const ended = await next.run(stop);
        if (ended === 'CANCELLED' || this.#finished.signal.aborted) return 'COMMITTED';
        if (ended === 'STOPPED') return 'STOPPED';
        outcome = ended;
      } catch (failure) {
        const error = this.#takenOver(failure);
        const lasts = error instanceof UserError && isLastingFailure(error);
        // rule: retry-failback
        if (lasts && this.isReversing) throw error;
        this.#failed = { attempt: next, error };
        if (lasts) return 'COMMITTED';
        failures = this.#clock.elapsed() - beganAtMs > BACK_OFF.longestMs ? 1 : failures + 1;
        const inMs = delayAfter(failures, BACK_OFF);
        this.#options.logger.warn(
          { event: 'failback.failed', error: messageOf(error), inMs },
          'The failback has failed; it begins again',
        );
        await this.#clock.sleep(inMs, stop);
        if (stop.aborted) return signal.aborted ? 'STOPPED' : 'COMMITTED';
        // rule: retry-failed-failback
        this.#failback = this.#inNextDirection();
        continue;
      }
      this.#current = next;
      this.#failback = undefined;
      this.#failed = undefined;
      failures = 0;
    }
    return outcome;
  }

  /**
   * Follows an order from now on, and does each part of it as soon as the state allows. Aborts a cutover before it returns. Must
   * be called again while the direction or the end of a failback isn't as ordered, also once the run has ended.
   */
  follow(order: Order): void {
    this.#order = order;
    const { finish, direction, revision } = order;
    const isAhead = finish === null && direction === this.direction + 1;
    if (finish !== null && finish !== this.#closed)
      this.#act.begin(revision, 'failback.close_failed', () => this.#finish(finish));
    if (isAhead) this.#act.begin(revision, 'migration.reverse_failed', () => this.#reverse());
    this.#passOn();
  }

  /**
   * Resolves when the immediate requests of the order are carried out: another direction, the end of a failback, an abort, a
   * cancellation.
   * @throws UserError WRONG_STATE when the state doesn't allow it, CUTOVER_RECORD_LOST when the record of the last cutover is
   * gone, FAILBACK_LOST, the failure of the failback, and as {@link Migration.carriedOut}
   */
  async carriedOut(): Promise<void> {
    const { finish, direction, revision } = this.#order;
    const isDone = () => (finish === null ? direction <= this.direction : finish === this.#closed);
    while (!isDone()) {
      if (this.#order.revision !== revision) throw new UserError('WRONG_STATE', ['This', 'given another order']);
      this.follow(this.#order);
      await this.#act.ending;
      const refusal = this.#act.refusalOf(revision);
      if (!isDone() && refusal !== undefined) throw refusal;
      if (direction > this.direction + 1) throw new UserError('WRONG_STATE', ['Reversing twice', 'reversed once']);
    }
    if (finish === null) await this.current.carriedOut();
  }

  /** Gives each direction the order, as far as it is about it. */
  #passOn(): void {
    const { current } = this;
    // rule: request-of-its-direction
    const isOfCurrent = this.#order.direction === this.direction && this.#order.finish === null;
    const other: Order = { ...this.#order, wanted: 'RUNNING', rehearsal: null, abort: null };
    current.follow(isOfCurrent ? this.#order : other);
    this.failback?.follow(other);
  }

  /** The error of a reversal or an end of the failback that nothing can carry out: the record of the last cutover is gone. */
  get recordLost(): UserError | undefined {
    return this.#act.recordLost;
  }

  /**
   * Makes the opposite direction the one that the operator sees. It continues to follow; its cutover then returns to the old source.
   */
  async #reverse(): Promise<void> {
    // rule: refuse-failed-failback
    if (this.failbackFailure !== undefined) throw this.failbackFailure;
    const next = this.#openFailback('Reversing');
    const { migrationId, destination, reversals = 0 } = this.#current.options;
    // rule: reversal-on-users-side
    await next.request(() => noteReversal(destination, migrationId, reversals));
    this.#reversed = reversals;
    this.#passOn();
    this.#options.logger.info(
      { event: 'migration.reversed', reversals: this.direction },
      'The direction of the migration is reversed',
    );
  }

  async #finish(finish: NonNullable<Order['finish']>): Promise<void> {
    // rule: pass-on-finish
    await this.#close(finish === 'LAST' ? undefined : finish);
    this.#closed = finish;
    this.#options.logger.info({ event: 'failback.closed' }, 'The failback is closed');
  }

  /**
   * Closes the failback permanently: the old source follows no more changes, and stays blocked. It need not be reachable,
   * also when this engine has waited for it since its start.
   * @param cutover  the direction of the cutover whose failback it is; the last one, unless given
   */
  async #close(cutover: number | undefined): Promise<void> {
    const { migrationId, destination, reversals = 0 } = this.#current.options;
    if (this.#failback === undefined && this.#lacksCluster) {
      await closeOnEither(this.#options, migrationId, cutover);
      this.#finished.abort();
      return;
    }
    const next = this.#openFailback('Finishing');
    // rule: close-last-cutover-only
    if (cutover !== undefined && cutover !== reversals)
      throw new UserError('WRONG_STATE', [`Closing the failback of direction ${cutover}`, `in direction ${reversals}`]);
    const ignoreLost = (error: unknown) => {
      const isLost = error instanceof UserError && error.code === 'CANCELLED_OUT_OF_REACH';
      if (!isLost && error !== this.#failed?.error) throw error;
    };
    next.refuseLateCancel();
    // Without an answer the old source may be lost. From now on its direction can't cut over.
    next.follow({ ...this.#order, wanted: 'CANCELLED', drop: false });
    const cancelled = next.carriedOut();
    const answered = new AbortController();
    const waited = this.#clock.sleep(ANSWERS_WITHIN_MS, answered.signal);
    await Promise.race([cancelled, waited]).catch(ignoreLost);
    answered.abort();
    // rule: close-failback-on-record
    const lost = await closeFailback(destination, migrationId, reversals).catch((error: unknown) => {
      if (error instanceof UserError && error.code === 'CUTOVER_RECORD_LOST') return error;
      throw error;
    });
    this.#finished.abort();
    await cancelled.catch(ignoreLost);
    this.#failback = undefined;
    // Without its record, no engine begins the opposite direction, and none commits it.
    if (lost !== undefined) throw lost;
    // rule: tell-waiting-migrations
    await this.#tellOthers();
  }

  /** Tells which other migrations waited for the end of this failback, and may want to cut over from the old source. */
  async #tellOthers(): Promise<void> {
    const { source, migrationId } = this.#current.options;
    await using client = clientOf(source, 'source');
    const looking = mayLeave(client, migrationId).catch(() => []); // The old source may be lost.
    const late = this.#clock.timeout(ANSWERS_WITHIN_MS);
    const migrations = (await unlessAborted(looking, late)) ?? [];
    if (migrations.length === 0) return;
    this.#options.logger.warn(
      { event: 'failback.others_open', migrations },
      'The failback is closed. Other migrations may cut over from the old source, and keep waiting as long as this one needs its write block',
    );
  }

  /** Whether the last cutover can't be continued, because a cluster has not answered for a while. */
  get #lacksCluster(): boolean {
    const { state, waiting } = this.#current.progress();
    const now = this.#clock.now();
    return state === 'CREATED' && waiting.some(({ since }) => now - Date.parse(since) >= ANSWERS_WITHIN_MS);
  }

  #openFailback(what: string): Migration {
    if (this.#failback !== undefined) return this.#failback;
    throw new UserError('WRONG_STATE', [what, shownState(this.#current.progress().state)]);
  }

  /** Runs the first direction or, when the migration has been reversed since, the last one that has cut over. */
  async #runCurrent(signal: AbortSignal, opened: CheckedClusters | undefined): Promise<Outcome> {
    // Each side only has the record of its own last direction, so it may take a look at both.
    for (let clusters = opened; ; clusters = undefined) {
      try {
        return await this.#current.run(signal, clusters);
      } catch (error) {
        if (!(error instanceof OtherDirection)) throw error;
        // rule: resume-recorded-direction
        this.#current = this.#inDirection(error.reversals - 1);
        this.#passOn();
      }
    }
  }

  /** Another engine has reversed the migration while this one slept. */
  #takenOver(error: unknown): unknown {
    // rule: reversed-further-is-taken-over
    return error instanceof OtherDirection ? new UserError('TAKEN_OVER', [this.#options.migrationId]) : error;
  }

  #inNextDirection(): Migration {
    return this.#inDirection((this.#current.options.reversals ?? 0) + 1);
  }

  #inDirection(reversals: number): Migration {
    const { source, destination } = this.#options;
    const turned = reversals % 2 === 1 ? { source: destination, destination: source } : {};
    return new Migration({
      ...this.#options,
      ...turned,
      reversals,
      reversible: true,
      dropDestination: false,
      // A confirmation is about the drops of one direction.
      // rule: confirm-drops-per-direction
      confirmDrops: reversals === 0 && (this.#options.confirmDrops ?? false),
      skipDiskSpaceCheck: true,
      waitForClusters: true,
    });
  }
}
