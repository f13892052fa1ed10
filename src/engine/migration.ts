import {
  type CollectionProgress,
  inWords,
  type ListedMismatch,
  type Outcome,
  type Progress,
} from '../contract/index.ts';
import { systemClock, UserError } from '../platform/index.ts';
import type { LoadLevel } from './copy/load-level.ts';
import { DestinationWentBack } from './mongodb/fence.ts';
import { hasWayBack } from './records/records.ts';
import { collectionProgress } from './report/collection-progress.ts';
import { gatesBeforeRun } from './report/gate.ts';
import { listedMismatches } from './report/listed-mismatches.ts';
import type { WantedState } from './report/progress.ts';
import { beforeRun, snapshot } from './report/snapshot.ts';
import { type Cancellation, refuseLateCancel } from './run/cancel.ts';
import type { Clusters } from './run/clusters.ts';
import type { MigrationRun, Occasion } from './run/migration-run.ts';
import { Opening } from './run/opening.ts';
import { OperatorWishes } from './run/operator-wishes.ts';
import type { MigrationOptions } from './scope/options.ts';

/** One migration between two replica sets. This is the whole interface of the data plane. */
export class Migration {
  readonly options: MigrationOptions;
  #run: MigrationRun | undefined;
  #opening: Opening | undefined;
  readonly #wishes = new OperatorWishes();
  #neverBegan = false;
  #ended: Promise<Outcome> | undefined;

  constructor(options: MigrationOptions) {
    this.options = options;
  }

  /** Returns another attempt of the migration, whose run has failed, with the operator's wishes. */
  again(): Migration {
    const attempt = new Migration(this.options);
    // rule: wishes-survive-retry
    attempt.#wishes.change(this.#wishes.current);
    return attempt;
  }

  /**
   * Runs until the migration is committed or cancelled, or until `signal` aborts: then it writes a checkpoint and resolves
   * with `stopped`. A later run with the same id, in any process, resumes from the checkpoint.
   * @param opened  the connections of a preflight, which the run closes; it opens its own otherwise
   * @throws UserError the failure of the migration, which is recorded in the checkpoint first
   */
  async run(signal: AbortSignal, opened?: Clusters): Promise<Outcome> {
    this.#ended = this.#openAndRun(signal, opened);
    return await this.#ended;
  }

  /**
   * Cancels the migration for good. Resolves when that is done. Before `run`, it makes the next run end cancelled.
   * @throws UserError WRONG_STATE past the cutover's point of no return, or the failure of the run
   */
  async cancel(cancellation: Cancellation): Promise<void> {
    refuseLateCancel(this.progress().state, this.#run?.log.record.cutover?.committed ?? false);
    this.#wishes.change({ cancellation });
    // The run may have committed before it saw the cancellation.
    if ((await this.#ended) === 'COMMITTED') refuseLateCancel('COMMITTED', true);
  }

  /** Sets the load level of the initial copy. Takes effect at once. */
  setLoadLevel(level: LoadLevel): void {
    this.#wishes.change({ loadLevel: level });
  }

  /**
   * Limits the initial copy, up to the limit of the options. Takes effect at once. Changes are never limited: that would only
   * add lag.
   * @param bytesPerSecond  null for no limit other than that of the options
   */
  limitCopy(bytesPerSecond: number | null): void {
    this.#wishes.change({ copyBytesPerSecond: bytesPerSecond ?? Number.POSITIVE_INFINITY });
  }

  /**
   * Applies the drops that wait for a confirmation, and all later ones of this run, however much they remove. Continues an
   * opposite direction whose source went back in its history before this confirmation.
   * @param confirmation  a number that grows with each confirmation; the current time, unless given. Repeating one does no harm
   */
  confirmDrops(confirmation = (this.options.clock ?? systemClock).now()): void {
    this.#wishes.change({ dropsConfirmed: confirmation });
  }

  /**
   * Sets the state that the operator wants. Repeating it does no harm.
   * @throws UserError NOT_READY_FOR_CUTOVER with the reasons, if a cutover can't begin now
   */
  want(wanted: WantedState): void {
    if (wanted === 'CUTOVER') this.#refuseUnready();
    this.#wishes.change({ state: wanted });
  }

  /**
   * Rehearses the cutover: blocks the source for at most 200 ms, and never commits. The last of `cutoverAttempts` in the
   * progress has the result.
   * @param name  a number that grows with each rehearsal; one that was begun isn't begun again
   * @throws UserError NOT_READY_FOR_CUTOVER with the reasons, if a cutover couldn't begin now; WRONG_STATE while another
   * state is wanted
   */
  rehearse(name: number): void {
    if (name <= (this.#run?.log.record.cutover?.rehearsed ?? 0) || name === this.#wishes.current.rehearsal) return;
    if (this.wanted !== 'RUNNING') throw new UserError('WRONG_STATE', ['Rehearsing', inWords(this.wanted)]);
    this.#refuseUnready();
    this.#wishes.change({ rehearsal: name });
  }

  /**
   * Takes back the wish for a cutover, also while one is under way: it ends with the source open, and the migration
   * continues. Changes nothing when no cutover is wanted. Resolves when the source is open, also when an engine before
   * this one has blocked it.
   * @throws UserError CUTOVER_COMMITTED once the commit was sent, WRONG_STATE before the migration runs, or when the run
   * ends without opening the source
   */
  async abortCutover(): Promise<void> {
    const run = this.#run;
    // Before its records are loaded, nobody knows whether an earlier engine has committed.
    if (!run?.loaded) throw new UserError('WRONG_STATE', ['Aborting a cutover', 'not running']);
    // rule: refuse-abort-after-commit
    const committed = run.log.record.cutover?.committed || run.log.commitWasSent;
    if (committed) throw new UserError('CUTOVER_COMMITTED', [this.options.migrationId]);
    // From here on no commit is sent: cut-over.ts checks this wish in the moment in which it sends one.
    // rule: abort-waits-for-earlier-block
    if (this.wanted === 'CUTOVER') this.#wishes.change({ state: 'RUNNING' });
    if (!(await run.untilOpen())) throw new UserError('WRONG_STATE', ['Aborting a cutover', 'not running']);
  }

  /**
   * Cuts over as soon as the migration is ready, also when it is paused or doesn't run yet. The timeline of the cutover
   * begins at this call.
   */
  cutOverOnceReady(): void {
    this.#run?.attempts.timeline.want();
    this.#wishes.change({ state: 'CUTOVER' });
  }

  /** The state that the operator wants. The migration enters it when it can. */
  get wanted(): WantedState {
    return this.#wishes.current.state;
  }

  /** Whether it has cut over, and the opposite direction may follow. */
  get hasWayBack(): boolean {
    return this.#run !== undefined && hasWayBack(this.#run.log.record);
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
    if (run === undefined || !run.loaded) throw new UserError('WRONG_STATE', ['Reversing', 'preparing the way back']);
    await before();
    if (!this.isRequested) await run.requestReverse();
  }

  /** Returns a snapshot of the progress. Cheap, and possible at any time. */
  progress(): Progress {
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

  async #openAndRun(stop: AbortSignal, opened: Clusters | undefined): Promise<Outcome> {
    for (let wentBack: DestinationWentBack | undefined; ; ) {
      const occasion = { stop, wishes: this.#wishes, wentBack };
      const run = await this.#open(occasion, wentBack === undefined ? opened : undefined).catch((error: unknown) => {
        if (!stop.aborted) throw error;
      });
      if (run === undefined) return 'STOPPED';
      if (run === 'never began') {
        this.#neverBegan = true;
        return 'CANCELLED';
      }
      this.#run = run;
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

  async #open(occasion: Occasion, opened: Clusters | undefined): Promise<MigrationRun | 'never began'> {
    const opening = new Opening(this.options, occasion, opened);
    this.#opening = opening;
    return await opening.open();
  }

  #refuseUnready(): void {
    const { state } = this.progress();
    if (this.wanted === 'CUTOVER' || state === 'COMMITTING' || state === 'COMMITTED') return;
    const reasons = this.#run?.notReadyReasons ?? ['it is not running'];
    if (reasons.length > 0) throw new UserError('NOT_READY_FOR_CUTOVER', [reasons.join(', ')]);
  }
}
