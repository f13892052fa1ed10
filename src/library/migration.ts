import { type Progress as EngineProgress, inWords, showCutoverReport, showSourceWatch } from '../contract/index.ts';
import { CommittedWatch, problemsOf, ReversibleMigration, Steering } from '../engine/index.ts';
import { newId, systemClock, UserError } from '../platform/index.ts';
import { engineOptions } from './engine-options.ts';
import type { LoadLevel, MigrationOptions } from './options.ts';
import type { CollectionProgress, Outcome, Progress, SourceWatch } from './progress.ts';

const HOUR_MS = 3_600_000;

/** Returns a new id for a migration. */
export function newMigrationId(): string {
  return newId();
}

/** One migration between two replica sets. Errors that a user can fix are of the type {@link UserError}. */
export class Migration {
  readonly #engine: ReversibleMigration;
  readonly #steering: Steering;
  #isStarted = false;

  /** Connects to nothing yet. @throws TypeError for a `migrationId` that isn't one */
  constructor(options: MigrationOptions) {
    this.#engine = new ReversibleMigration(engineOptions(options));
    this.#steering = new Steering(this.#engine);
  }

  /**
   * Starts or resumes the migration. Resolves with `COMMITTED` after the cutover, with `CANCELLED`, or with `STOPPED`
   * when `signal` aborts: then another run with the same id resumes it, also in another process. A reversible migration
   * continues after the cutover, until the failback is closed. To be called once.
   * @throws UserError the failure of the migration
   */
  async run(signal: AbortSignal = new AbortController().signal): Promise<Outcome> {
    if (this.#isStarted) throw new Error('It was run before. Make another Migration with the same id to resume it.');
    this.#isStarted = true;
    return await this.#engine.run(signal);
  }

  /** Returns a snapshot. Cheap, and possible at any time. */
  progress(): Progress {
    return this.#shown(this.#engine.progress());
  }

  /**
   * Returns the progress of each collection, in no order; undefined until the migration's records are loaded. Costs
   * time and memory for each of them.
   */
  collections(): readonly CollectionProgress[] | undefined {
    return this.#engine.current.collections();
  }

  /**
   * Watches the source for writes of users who bypass its block, once {@link run} has ended with `COMMITTED`. The log
   * tells of them at once, as `source_watch.writes_found`. Resolves when the time is over, or when `signal` aborts: then
   * another process may run a migration with the same id, and resume the watch.
   * @param forMs  from the moment at which the destination took writes; an hour by default
   * @returns undefined for a source that isn't blocked: it may be written to
   * @throws UserError WRONG_STATE before the commit
   */
  async watchSource(
    options: { readonly forMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<SourceWatch | undefined> {
    const { forMs = HOUR_MS, signal = new AbortController().signal } = options;
    const { current } = this.#engine;
    const { state } = current.progress();
    if (state !== 'COMMITTED') throw new UserError('WRONG_STATE', ['Watching the source', inWords(state)]);
    const watch = CommittedWatch.begin(current, forMs, { logger: current.options.logger, clock: systemClock, signal });
    await watch?.ended;
    return watch && showSourceWatch(watch.state);
  }

  /**
   * Pauses copy and changes; {@link resume} continues them. The source's oplog must last for the pause.
   * @throws UserError WRONG_STATE while a cutover is wanted
   */
  pause(): void {
    this.#steering.pause();
  }

  /** Continues after {@link pause}. Changes nothing when it isn't paused. */
  resume(): void {
    this.#steering.resume();
  }

  /** Cuts over now. Repeating it does no harm. @throws UserError NOT_READY_FOR_CUTOVER with the reasons */
  cutOver(): void {
    this.#steering.cutOver();
  }

  /** Cuts over as soon as the migration is ready. Possible before {@link run}. */
  cutOverOnceReady(): void {
    this.#steering.cutOverOnceReady();
  }

  /**
   * Rehearses the cutover: blocks the source for at most 200 ms, and never commits. The last of `cutoverAttempts` in
   * the progress has the result.
   * @throws UserError NOT_READY_FOR_CUTOVER, or WRONG_STATE while a pause or a cutover is wanted
   */
  rehearseCutover(): void {
    this.#steering.rehearse(Date.now());
  }

  /**
   * Takes back the request for a cutover, also while one is under way. Resolves when the source takes writes again.
   * @throws UserError CUTOVER_COMMITTED past the point of no return, WRONG_STATE while it doesn't run
   */
  async abortCutover(): Promise<void> {
    await this.#steering.abortCutover();
  }

  /**
   * Cancels the migration permanently. Resolves when that is done. Before {@link run}, it makes that run end cancelled. The
   * copied data stays on the destination, unless `drop` is true.
   * @throws UserError WRONG_STATE past the cutover's point of no return
   */
  async cancel({ drop = false }: { readonly drop?: boolean } = {}): Promise<void> {
    await this.#steering.cancel(drop);
  }

  /** Sets the load of the initial sync. Takes effect at once. */
  setLoadLevel(level: LoadLevel): void {
    this.#steering.limit({ loadLevel: level });
  }

  /**
   * Limits the initial sync, up to the limit of the options. Takes effect at once.
   * @param bytesPerSecond  null for no limit other than that of the options
   */
  limitCopy(bytesPerSecond: number | null): void {
    this.#steering.limit({ copyBytesPerSecond: bytesPerSecond });
  }

  /**
   * Applies the drops of the source that wait for a confirmation, and all later ones of this run. Continues a failback whose
   * side with the users was restored from a backup.
   */
  confirmDrops(): void {
    this.#steering.confirmDrops(Date.now());
  }

  /** The progress of the failback of a reversible migration that has cut over; undefined without one. */
  failbackProgress(): Progress | undefined {
    const progress = this.#engine.failbackProgress;
    return progress && this.#shown(progress);
  }

  #shown(progress: EngineProgress): Progress {
    const { cutoverReport, ...shown } = progress;
    if (cutoverReport === undefined) return shown;
    const { hasFailback: isFailbackOpen, failbackProgress: failback } = this.#engine;
    const problems = problemsOf(progress, { failback });
    return { ...shown, cutoverReport: showCutoverReport(cutoverReport, { isFailbackOpen, problems }) };
  }

  /**
   * Turns a reversible migration that has cut over into one in the opposite direction: its next cutover returns to the
   * old source.
   * @throws UserError WRONG_STATE unless a cutover is done and its failback is open, or the failure of the failback
   */
  async reverse(): Promise<void> {
    await this.#steering.reverse();
  }

  /**
   * Closes the failback permanently. The run then ends with `COMMITTED`.
   * @throws UserError WRONG_STATE unless a cutover is done and its failback is open, or FAILBACK_LOST
   */
  async finish(): Promise<void> {
    await this.#steering.finish();
  }
}
