import type { CollectionProgress, ListedMismatch, Order, Outcome, Progress, WantedState } from '../contract/index.ts';
import { UserError } from '../platform/index.ts';
import { DestinationWentBack } from './mongodb/fence.ts';
import { OtherDirection } from './records/other-direction.ts';
import { hasFailback } from './records/records.ts';
import { collectionProgress } from './report/collection-progress.ts';
import { gatesBeforeRun } from './report/gate.ts';
import { listedMismatches } from './report/listed-mismatches.ts';
import { beforeRun, snapshot } from './report/snapshot.ts';
import { refuseLateCancel } from './run/cancel.ts';
import type { CheckedClusters } from './run/clusters.ts';
import { FollowedOrder } from './run/followed-order.ts';
import type { MigrationRun, Occasion } from './run/migration-run.ts';
import { Opening } from './run/opening.ts';
import type { MigrationOptions } from './scope/options.ts';

/** One migration between two replica sets. This is the whole interface of the data plane. */
export class Migration {
  readonly options: MigrationOptions;
  #run: MigrationRun | undefined;
  #opening: Opening | undefined;
  readonly #order = new FollowedOrder();
  #neverBegan = false;
  #ended: Promise<Outcome> | undefined;
  readonly #recorded = Promise.withResolvers<void>();

  constructor(options: MigrationOptions) {
    this.options = options;
    // Prevents an unhandled rejection if no caller reads `recorded`.
    this.#recorded.promise.catch(() => undefined);
  }

  /**
   * Resolves when the migration is on record at its destination, so that any process can resume it.
   * @throws UserError the failure of a run that ended before, WRONG_STATE when it was stopped or cancelled before
   */
  get recorded(): Promise<void> {
    return this.#recorded.promise;
  }

  /**
   * Runs until the migration is committed or cancelled, or until `signal` aborts: then it writes a checkpoint and resolves
   * with `stopped`. A later run with the same id, in any process, resumes from the checkpoint.
   * @param opened  the connections of a preflight, which the run closes; it opens its own otherwise
   * @throws UserError the failure of the migration, which is recorded in the checkpoint first
   */
  async run(signal: AbortSignal, opened?: CheckedClusters): Promise<Outcome> {
    this.#ended = this.#openAndRun(signal, opened);
    this.#ended.then(
      (outcome) => this.#recorded.reject(new UserError('WRONG_STATE', ['start', outcome])),
      // A direction that learns of a later one has read the record.
      (failure: unknown) =>
        failure instanceof OtherDirection ? this.#recorded.resolve() : this.#recorded.reject(failure),
    );
    return await this.#ended;
  }

  /**
   * Follows an order from now on, as far as its state allows. Must be called again while an abort is unanswered: the
   * commit that came before it may be taken back.
   */
  follow(order: Order): void {
    // There is nothing to cancel any more, and the rest of the cutover has to be finished.
    if (order.wanted === 'CANCELLED' && this.#run?.log.record.cutover?.committed) return;
    // rule: first-attempt-of-order
    const begins = order.wanted === 'CUTOVER' && this.wanted !== 'CUTOVER';
    // From here on no commit is sent, unless the order wants one: cut-over.ts looks at it in the moment in which it sends one.
    this.#order.follow(order);
    if (begins) this.#run?.attempts.timeline.want();
    void this.#run?.answerAbort();
  }

  /**
   * Resolves when the abort or the cancellation of the order is done; at once when there is none, and before `run`.
   * @throws UserError CUTOVER_COMMITTED or WRONG_STATE past the cutover's point of no return, WRONG_STATE when the run ends
   * without opening the source, or the failure of the run
   */
  async carriedOut(): Promise<void> {
    const { wanted, abort } = this.#order.current;
    if (wanted === 'CANCELLED') {
      this.refuseLateCancel();
      // The run may have committed before it saw the cancellation.
      if ((await this.#ended) === 'COMMITTED') refuseLateCancel('COMMITTED', true);
      return;
    }
    if (wanted === 'CUTOVER' || abort === null || abort === this.#order.aborted) return;
    this.refuseLateAbort();
    await this.#run?.answerAbort();
    if (abort !== this.#order.aborted) throw new UserError('WRONG_STATE', ['Aborting a cutover', 'not running']);
  }

  /** @throws UserError WRONG_STATE before the migration runs, CUTOVER_COMMITTED once the commit was sent */
  refuseLateAbort(): void {
    // Before its records are loaded, it is unknown whether an earlier engine has committed.
    if (!this.#run?.loaded) throw new UserError('WRONG_STATE', ['Aborting a cutover', 'not running']);
    if (this.#run.commitWasSent) throw new UserError('CUTOVER_COMMITTED', [this.options.migrationId]);
  }

  /** @throws UserError WRONG_STATE past the cutover's point of no return */
  refuseLateCancel(): void {
    refuseLateCancel(this.progress().state, this.#run?.log.record.cutover?.committed ?? false);
  }

  /** The state that the operator wants. The migration enters it when it can. */
  get wanted(): WantedState {
    return this.#order.current.wanted;
  }

  /** Whether it has cut over, and the opposite direction may follow. */
  get hasFailback(): boolean {
    return this.#run !== undefined && hasFailback(this.#run.log.record);
  }

  /** Whether this direction's own record shows that the operator has asked for the opposite one. */
  get isReversed(): boolean {
    return this.#run?.log.record.cutover?.isReversed ?? false;
  }

  /** Whether the operator has asked for this direction, which follows a cutover in the opposite one. */
  get isRequested(): boolean {
    return this.#run?.log.record.reverseRequestedAtMs !== undefined;
  }

  /**
   * Records that the operator asks for this direction. Repeating it does no harm.
   * @param before  is done first, once the direction is known to run
   * @throws UserError WRONG_STATE while it isn't running, and the errors of `before`
   */
  async request(before: () => Promise<void>): Promise<void> {
    const run = this.#run;
    if (run === undefined || !run.loaded) throw new UserError('WRONG_STATE', ['Reversing', 'preparing the failback']);
    await before();
    if (!this.isRequested) await run.requestReverse();
  }

  /** Returns a snapshot of the progress. Cheap, and possible at any time. */
  progress(): Progress {
    const { aborted } = this.#order;
    return { ...this.#snapshot(), ...(aborted !== null && { cutoverAborted: aborted }) };
  }

  #snapshot(): Progress {
    if (this.#run !== undefined) return snapshot(this.#run, this.options);
    const progress = beforeRun(this.options, this.#opening?.waits);
    return this.#neverBegan
      ? {
          ...progress,
          state: 'CANCELLED',
          readiness: gatesBeforeRun('it is cancelled'),
          notReadyReasons: ['it is cancelled'],
        }
      : progress;
  }

  /** Returns the progress of each collection; undefined until the migration's records are loaded. */
  collections(): readonly CollectionProgress[] | undefined {
    return this.#run && collectionProgress(this.#run);
  }

  /**
   * Returns every document that differed although no change explains it, at most 10,000; undefined until their records
   * are loaded.
   */
  mismatches(): readonly ListedMismatch[] | undefined {
    return this.#run && listedMismatches(this.#run);
  }

  async #openAndRun(stop: AbortSignal, opened: CheckedClusters | undefined): Promise<Outcome> {
    for (let wentBack: DestinationWentBack | undefined; ; ) {
      const occasion = { stop, order: this.#order, wentBack };
      const run = await this.#open(occasion, wentBack === undefined ? opened : undefined).catch((error: unknown) => {
        if (!stop.aborted) throw error;
      });
      if (run === undefined) return 'STOPPED';
      if (run === 'never began') {
        this.#neverBegan = true;
        return 'CANCELLED';
      }
      this.#run = run;
      this.#recorded.resolve();
      try {
        return await run.toEnd();
      } catch (error) {
        if (!(error instanceof DestinationWentBack)) throw error;
        wentBack = error;
        this.options.logger.warn(
          { event: 'migration.records_went_back', reason: error.message },
          'The migration resumes from the older records there',
        );
      }
    }
  }

  async #open(occasion: Occasion, opened: CheckedClusters | undefined): Promise<MigrationRun | 'never began'> {
    const opening = new Opening(this.options, occasion, opened);
    this.#opening = opening;
    return await opening.open();
  }
}
