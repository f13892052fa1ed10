import {
  type CollectionProgress,
  type ErrorData,
  type Finding,
  type Outcome,
  type Progress,
  type ShownCutoverReport,
  type SourceWatchState,
  showCutoverReport,
  type WantedState,
} from '../contract/index.ts';
import {
  type CheckedClusters,
  CommittedWatch,
  lasting,
  type Migration,
  type MigrationOptions,
  openExamined,
  problemsOf,
  ReversibleMigration,
  recordedStanding,
  Steering,
} from '../engine/index.ts';
import { systemClock, UserError } from '../platform/index.ts';
import { migrationIdOf } from './clusters.ts';
import type { LoadRequest } from './load-request.ts';
import { PreflightFailed } from './preflight-failed.ts';
import { CONTINUOUS, type SessionOptions } from './session-options.ts';
import { type SessionState, sessionState } from './session-state.ts';
import { type Direction, type StartRequest, verificationOf } from './start-request.ts';

/** A migration whose clusters were checked, with the connections for its first run, if that needs no further check. */
interface PreparedMigration {
  readonly migration: ReversibleMigration;
  readonly clusters: CheckedClusters | undefined;
}

/** Whether another process runs the migration: it has taken it, or was not silent long enough to lose it. */
function isLed(error: unknown): boolean {
  return error instanceof UserError && (error.code === 'TAKEN_OVER' || error.code === 'ENGINE_RUNNING');
}

/**
 * The migration of a `linkspan sync` process. It begins IDLE. `start` resumes an earlier run between the same clusters if there is one,
 * however that run ended. (mongosync documents both "call /start" and "the earlier state returns"; Linkspan does the first.)
 */
export class SyncSession {
  readonly #options: SessionOptions;
  readonly #stop = new AbortController();
  /** Aborts when the session leaves its migration to another process. */
  #leave = new AbortController();
  readonly #finished = Promise.withResolvers<Outcome>();
  #direction: StartRequest | undefined;
  #migration: ReversibleMigration | undefined;
  #steering: Steering | undefined;
  #warnings: readonly Finding[] = [];
  #roundStartedAtMs = 0;
  #sourceWatch: CommittedWatch | undefined;
  #load: LoadRequest = {};

  constructor(options: SessionOptions) {
    this.#options = options;
    // Prevents an unhandled rejection if no caller reads `finished`.
    this.#finished.promise.catch(() => undefined);
  }

  /** The outcome of the migration; rejects if it failed. Pending until a started migration ends. */
  get finished(): Promise<Outcome> {
    return this.#finished.promise;
  }

  /** The direction of the migration now: `reverse` swaps both sides. */
  get direction(): Direction | undefined {
    if (!this.#direction || this.reversals % 2 === 0) return this.#direction;
    const { source, destination } = this.#direction;
    return { source: destination, destination: source };
  }

  /** How often the direction was reversed. */
  get reversals(): number {
    return this.#migration?.direction ?? 0;
  }

  get state(): SessionState {
    return sessionState(this.progress(), this.#migration?.isReversing ?? false);
  }

  /** The id of the migration that was started last; undefined before the first start. */
  get migrationId(): string | undefined {
    return this.#migration?.current.options.migrationId;
  }

  /** Whether the migration cuts over only on request, and none was made. */
  get awaitsCutover(): boolean {
    return !this.#options.once && this.#migration?.wanted === 'RUNNING';
  }

  /** The state that the operator wants; undefined before the first start. */
  get wanted(): WantedState | undefined {
    return this.#migration?.wanted;
  }

  /** The load of the initial sync, as it was requested. */
  get load(): LoadRequest {
    return this.#load;
  }

  /** The settings of the process that decide about a start. */
  get settings(): Pick<SessionOptions, 'uris' | 'dropDestination' | 'reversible' | 'verification'> {
    return this.#options;
  }

  /** The warnings of the last successful preflight. */
  get warnings(): readonly Finding[] {
    return this.#warnings;
  }

  /** The engine's snapshot; undefined before the start, and while a new copy replaces one that an earlier process finished. */
  progress(): Progress | undefined {
    const progress = this.#migration?.progress();
    if (!progress || this.#isOfEarlierRound(progress)) return undefined;
    const found = lasting(this.#warnings).map(({ message }) => message);
    const written = this.#sourceWatch?.withWarning(progress.warnings) ?? progress.warnings;
    const warnings = new Set([...found, ...written, ...(this.#options.moreWarnings?.() ?? [])]);
    return { ...progress, warnings: [...warnings] };
  }

  /** The progress of each collection, in the present direction; undefined while this process does not know them. */
  collections(): readonly CollectionProgress[] | undefined {
    return this.progress() && this.#migration?.current.collections();
  }

  /** The progress of the opposite direction, which follows a committed migration; undefined without one. */
  get failback(): Progress | undefined {
    return this.#migration?.failbackProgress;
  }

  /**
   * Checks both clusters, then starts or resumes the migration. Resolves when it is running.
   * @param onWarning  called for each warning of the preflight
   * @throws UserError WRONG_STATE, DROP_OF_OTHER_SIDE, UNSUPPORTED_FIELD, PREFLIGHT_FAILED with all errors of the preflight, or the error of a cluster that
   * cannot be checked
   */
  async start(direction: StartRequest, onWarning: (finding: Finding) => void = () => undefined): Promise<void> {
    // Must be set before the first `await`, so that a concurrent second start is refused.
    if (this.#direction) throw new UserError('WRONG_STATE', ['start', this.#migration ? this.state : 'starting']);
    const { dropDestination: named } = this.#options;
    if (named !== undefined && named !== direction.destination) {
      throw new UserError('DROP_OF_OTHER_SIDE', [direction.destination, named]);
    }
    if (direction.keepDestination && named !== undefined) {
      const why = 'this process was started with --drop-destination';
      throw new UserError('UNSUPPORTED_FIELD', ['preExistingDestinationData', why]);
    }
    this.#direction = direction;
    let prepared: PreparedMigration;
    try {
      prepared = await this.#prepare(direction, 1, onWarning);
    } catch (error) {
      this.#direction = undefined;
      throw error;
    }
    this.#runToEnd(direction, 1, prepared).then(
      (outcome) => {
        if (this.#leave.signal.aborted && !this.#stop.signal.aborted) return this.#forget();
        if (outcome === 'COMMITTED') this.#watchSource(prepared.migration.current);
        this.#finished.resolve(outcome);
      },
      (error: unknown) => {
        // rule: standby-after-take-over
        if (this.#options.standby && isLed(error) && !this.#stop.signal.aborted) this.#forget();
        else this.#finished.reject(error);
      },
    );
  }

  /** Resolves when the migration that was started is on record at its destination. @throws as {@link Migration.recorded} */
  async recorded(): Promise<void> {
    await this.#migration?.current.recorded;
  }

  /** Leaves a migration whose failback another process has taken. The session is IDLE when the run has ended. */
  leaveTaken(): void {
    if (isLed(this.#migration?.failbackFailure)) this.#leave.abort();
  }

  #forget(): void {
    this.#direction = undefined;
    this.#migration = undefined;
    this.#steering = undefined;
    this.#warnings = [];
    this.#leave = new AbortController();
  }

  /** @throws UserError WRONG_STATE unless RUNNING */
  pause(): void {
    this.#expect('RUNNING', 'pause').pause();
  }

  /** Resumes a paused migration; also cancels a pause that has not taken effect yet. @throws UserError WRONG_STATE if no pause is wanted */
  resume(): void {
    if (this.wanted === 'PAUSED') this.#steering?.resume();
    else this.#expect('PAUSED', 'resume');
  }

  /** Changes load level, rate limit and windows, until this process ends. @throws UserError WRONG_STATE in IDLE */
  setLoad(request: LoadRequest): void {
    const steering = this.#started('load');
    this.#load = { ...this.#load, ...request };
    const { loadLevel, maxMegabytesPerSecond: megabytes, loadWindows: windows } = request;
    if (loadLevel !== undefined) steering.limit({ loadLevel });
    if (windows !== undefined) steering.limit({ windows });
    if (megabytes !== undefined) steering.limit({ copyBytesPerSecond: megabytes && megabytes * 1e6 });
  }

  /** Applies the drops that the migration waits for, and all later ones, until this process ends. @throws UserError WRONG_STATE in IDLE */
  confirmDrops(): void {
    const { clock = systemClock } = this.#options;
    this.#started('confirmDrops').confirmDrops(clock.now());
  }

  /** @throws UserError WRONG_STATE unless RUNNING or while a pause is wanted, NOT_READY_FOR_CUTOVER while `canCommit` is false */
  commit(): void {
    const steering = this.#expect('RUNNING', 'commit');
    if (this.wanted === 'PAUSED') throw new UserError('WRONG_STATE', ['commit', 'about to be PAUSED']);
    steering.cutOver();
  }

  /**
   * Swaps the direction of a committed reversible migration. A commit then returns to the old source.
   * @throws UserError WRONG_STATE unless COMMITTED with a failback, or before the failback runs
   */
  async reverse(): Promise<void> {
    await this.#started('reverse').reverse();
  }

  /** Closes the failback of a committed migration permanently. @throws UserError WRONG_STATE, FAILBACK_LOST */
  async finish(): Promise<void> {
    await this.#started('finish').finish();
  }

  #started(call: string): Steering {
    if (!this.#steering) throw new UserError('WRONG_STATE', [call, this.state]);
    return this.#steering;
  }

  /**
   * Takes back the last `commit`; resolves when the source is open.
   * @throws UserError WRONG_STATE in IDLE, CUTOVER_COMMITTED past the point of no return
   */
  async abortCommit(): Promise<void> {
    await this.#started('abortCommit').abortCutover();
  }

  /**
   * Rehearses the commit. The progress has the result.
   * @throws UserError WRONG_STATE unless RUNNING, NOT_READY_FOR_CUTOVER while `canCommit` is false
   */
  rehearseCommit(): void {
    const { clock = systemClock } = this.#options;
    this.#expect('RUNNING', 'rehearseCommit').rehearse(clock.now());
  }

  /** Returns the report of the cutover. @throws UserError WRONG_STATE before its point of no return */
  cutoverReport(): ShownCutoverReport {
    const report = this.progress()?.cutoverReport;
    if (report === undefined) throw new UserError('WRONG_STATE', ['cutoverReport', this.state]);
    return showCutoverReport(report, {
      isFailbackOpen: this.#migration?.hasFailback ?? false,
      problems: this.problems,
    });
  }

  /** The problems since the cutover, the worst first; empty before it. */
  get problems(): readonly ErrorData[] {
    const progress = this.progress();
    return progress === undefined ? [] : problemsOf(progress, { failback: this.failback, watch: this.sourceWatch });
  }

  /** Stops the run with a checkpoint. Resolves when the run has ended or failed. */
  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#migration) await this.#finished.promise.catch(() => undefined);
    await this.#sourceWatch?.ended;
  }

  /** The watch of the source after the commit; undefined before it, and for a source that isn't blocked. */
  get sourceWatch(): SourceWatchState | undefined {
    return this.#sourceWatch?.state;
  }

  #watchSource(migration: Migration): void {
    const { watchSourceMs = 0, clock = systemClock } = this.#options;
    const { logger } = migration.options;
    if (watchSourceMs === 0 || this.#stop.signal.aborted) return;
    this.#sourceWatch = CommittedWatch.begin(migration, watchSourceMs, { logger, clock, signal: this.#stop.signal });
  }

  #expect(state: SessionState, call: string): Steering {
    if (this.state !== state) throw new UserError('WRONG_STATE', [call, this.state]);
    return this.#started(call);
  }

  /** @throws UserError PREFLIGHT_FAILED, or the error of a cluster that cannot be checked */
  async #prepare(
    direction: StartRequest,
    round: number,
    onWarning: (finding: Finding) => void,
  ): Promise<PreparedMigration> {
    const options = this.#migrationOptions(direction, round);
    const { findings, isRefused, clusters } = await openExamined(options);
    if (isRefused) throw new PreflightFailed(findings);
    this.#warnings = findings;
    findings.forEach(onWarning);
    const migration = new ReversibleMigration(options);
    this.#migration = migration;
    this.#steering = new Steering(migration);
    this.setLoad(this.#options.load ?? {});
    return { migration, clusters };
  }

  /**
   * Runs rounds until one ends in this process. With `--once`, a migration that an earlier process finished ends at once, but the user wants a new
   * copy of the current data. That is the next round, with its own id and preflight. It retires the round before it. So may any
   * other migration.
   */
  async #runToEnd(
    direction: StartRequest,
    round: number,
    { migration, clusters }: PreparedMigration,
  ): Promise<Outcome> {
    this.#roundStartedAtMs = (this.#options.clock ?? systemClock).now();
    const stop = AbortSignal.any([this.#stop.signal, this.#leave.signal]);
    const outcome = await migration.run(stop, clusters).catch(async (error: unknown) => {
      if (!(await this.#isRoundOver(error, direction, round, migration))) throw error;
    });
    if (outcome === 'STOPPED') return outcome;
    if (outcome !== undefined && !this.#isOfEarlierRound(migration.current.progress())) return outcome;
    return this.#runToEnd(direction, round + 1, await this.#prepare(direction, round + 1, () => undefined));
  }

  /** Whether a round could not be opened because it is retired: by the next round, or by any migration after it had been committed. */
  async #isRoundOver(
    error: unknown,
    direction: StartRequest,
    round: number,
    migration: ReversibleMigration,
  ): Promise<boolean> {
    if (!this.#options.once || !(error instanceof UserError) || error.code !== 'DESTINATION_TAKEN') return false;
    if (error.parameters[1] === this.#migrationOptions(direction, round + 1).migrationId) return true;
    const { migrationId, destination } = this.#migrationOptions(direction, round);
    // One that lost its destination while it ran is not begun anew.
    if (migration.current.progress().state !== 'CREATED') return false;
    return (await recordedStanding(destination, migrationId, this.#stop.signal))?.state === 'COMMITTED';
  }

  #isOfEarlierRound({ state, phases }: Progress): boolean {
    if (!this.#options.once || state !== 'COMMITTED') return false;
    const endedAt = phases.at(-1)?.endedAt;
    return endedAt !== undefined && Date.parse(endedAt) < this.#roundStartedAtMs;
  }

  #migrationOptions(
    { source, destination, skipDiskSpaceCheck, verifies, ...selection }: StartRequest,
    round: number,
  ): MigrationOptions {
    const {
      uris,
      compression,
      dropDestination,
      once,
      verification,
      load: _,
      moreWarnings: _warnings,
      standby: _standby,
      watchSourceMs: _watch,
      ...options
    } = this.#options;
    // Several selections of one source can be copied one after the other to a destination that keeps its data. Each is its own migration.
    const request = JSON.stringify({ source, destination, skipDiskSpaceCheck, verifies, ...selection });
    const part = selection.keepDestination ? ` ${JSON.stringify(selection)}` : '';
    const migrationId = migrationIdOf(uris, source, destination, (once ? `once ${round}` : CONTINUOUS) + part);
    return {
      migrationId,
      source: { uri: uris[source], compression },
      destination: { uri: uris[destination], compression },
      dropDestination: dropDestination === destination,
      // The preflight has just reached both clusters, so a failure now is transient.
      waitForClusters: true,
      once,
      skipDiskSpaceCheck,
      request,
      verification: verificationOf(verifies, verification),
      ...options,
      logger: options.logger.child({ migrationId }),
      ...selection,
    };
  }
}
