import { UserError } from '../platform/index.ts';
import type { LoadLevel } from './copy/load-level.ts';
import type { Outcome, Progress, WantedState } from './report/progress.ts';
import { notYetRunning, snapshot } from './report/snapshot.ts';
import { type Cancellation, refuseLateCancel } from './run/cancel.ts';
import type { MigrationRun } from './run/migration-run.ts';
import { Opening } from './run/opening.ts';
import { OperatorWishes } from './run/operator-wishes.ts';
import type { MigrationOptions } from './scope/options.ts';

/** One migration between two replica sets: the data plane's whole surface. */
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

  /**
   * Runs until the migration is committed or cancelled, or until `signal` aborts: then it writes a checkpoint and resolves with `stopped`.
   * Running again with the same id, in any process, goes on from the checkpoint.
   * @throws UserError when the migration failed; the failure is recorded in the checkpoint first
   */
  async run(signal: AbortSignal): Promise<Outcome> {
    this.#ended = this.#openAndRun(signal);
    return await this.#ended;
  }

  /**
   * Gives the migration up, for good; resolves when that is done. Before `run`, it says how the next run is to end.
   * @throws UserError WRONG_STATE past the cutover's point of no return; or what the run failed of
   */
  async cancel(cancellation: Cancellation): Promise<void> {
    refuseLateCancel(this.progress().state, this.#run?.log.record.cutover?.committed ?? false);
    this.#wishes.change({ cancellation });
    // It may have been committed at the moment at which this was asked.
    if ((await this.#ended) === 'committed') refuseLateCancel('committed', true);
  }

  /** Sets how hard the initial copy may work, from now on. */
  setLoadLevel(level: LoadLevel): void {
    this.#wishes.change({ loadLevel: level });
  }

  /**
   * Limits the initial copy, from now on and within what the options allow. Changes are never held back: that would only add lag.
   * @param bytesPerSecond  null for no limit but that of the options
   */
  limitCopy(bytesPerSecond: number | null): void {
    this.#wishes.change({ copyBytesPerSecond: bytesPerSecond ?? Number.POSITIVE_INFINITY });
  }

  /** Has the drops followed that wait for a confirmation, and all that come in this run, whatever they take. */
  confirmDrops(): void {
    this.#wishes.change({ confirmsDrops: true });
  }

  /**
   * Says what the operator wants. Saying it again is harmless.
   * @throws UserError NOT_READY_FOR_CUTOVER with the reasons, for a cutover that could not begin now
   */
  want(wanted: WantedState): void {
    if (wanted === 'cutover') this.#refuseUnready();
    this.#wishes.change({ state: wanted });
  }

  /** What the operator said last; the state follows it when it can. */
  get wanted(): WantedState {
    return this.#wishes.current.state;
  }

  /** A snapshot; cheap, at any time. */
  progress(): Progress {
    if (this.#run !== undefined) return snapshot(this.#run, this.options);
    const progress = notYetRunning(this.options, this.#opening?.waits);
    return this.#neverBegan ? { ...progress, state: 'cancelled', notReadyReasons: ['it is cancelled'] } : progress;
  }

  async #openAndRun(signal: AbortSignal): Promise<Outcome> {
    const run = await this.#open(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (run === undefined) return 'stopped';
    if (run === 'never began') {
      this.#neverBegan = true;
      return 'cancelled';
    }
    this.#run = run;
    return await run.toEnd();
  }

  async #open(signal: AbortSignal): Promise<MigrationRun | 'never began'> {
    const opening = new Opening(this.options, signal, this.#wishes);
    this.#opening = opening;
    return await opening.open();
  }

  #refuseUnready(): void {
    const { state } = this.progress();
    if (this.wanted === 'cutover' || state === 'committing' || state === 'committed') return;
    const reasons = this.#run?.notReadyReasons ?? ['it is not running'];
    if (reasons.length > 0) throw new UserError('NOT_READY_FOR_CUTOVER', [reasons.join(', ')]);
  }
}
