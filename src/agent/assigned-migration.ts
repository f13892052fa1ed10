import type { Outcome, Progress } from '../contract/index.ts';
import { type Migration, type MigrationOptions, ReversibleMigration } from '../engine/index.ts';
import type { Report, WantedAgentState } from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { neverBegun, shownError } from './failed-progress.ts';
import type { CurrentLists } from './migration-lists.ts';
import { Reversal } from './reversal.ts';

/** The wanted state of a migration, as the control plane sends it. */
export type Target = Omit<WantedAgentState['migrations'][number], 'id' | 'assignment'>;

/** One migration that the control plane has assigned to this agent, until it withdraws the assignment. */
export class AssignedMigration {
  readonly id: string;
  /** Key of the source cluster. Migrations of one source cluster run one after the other. */
  readonly sourceKey: string;
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  #migration: ReversibleMigration | undefined;
  #reversal: Reversal | undefined;
  /** The direction that the control plane wants; undefined for a migration that isn't reversible. */
  #wantedReversals: number | undefined;
  #run: Promise<void> = Promise.resolve();
  #ended = false;
  #outcome: Outcome | undefined;
  #failure: unknown;
  /** The cancellation that the engine was asked for, also if it refused. */
  #cancelAsked: boolean | undefined;
  /** The abort of a cutover that the engine was asked for, and the one that it has carried out. */
  #abortAsked: number | undefined;
  #aborted: number | undefined;
  #rehearsed: number | undefined;

  /** @param changed  called when the migration has ended */
  constructor(id: string, sourceKey: string, logger: Logger, changed: () => void) {
    this.id = id;
    this.sourceKey = sourceKey;
    this.#changed = changed;
    this.#logger = logger.child({ migrationId: id });
  }

  get waiting(): boolean {
    return this.#migration === undefined && !this.#ended;
  }

  get running(): boolean {
    return this.#migration !== undefined && !this.#ended;
  }

  /** Whether another engine has taken the migration. */
  get wasTakenOver(): boolean {
    const failure = this.#failure ?? this.#migration?.wayBackFailure;
    return failure instanceof UserError && failure.code === 'TAKEN_OVER';
  }

  /**
   * Starts the migration, or resumes it from its checkpoint.
   * @param optionsOf  makes the options; if it throws, the migration fails with that error
   */
  start(target: Target, optionsOf: () => MigrationOptions): void {
    try {
      this.#migration = new ReversibleMigration(optionsOf());
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (target.reversal) this.#reversal = new Reversal(this.#migration, this.#logger);
    // Must come before the run, so that a paused or cancelled migration copies nothing after a restart.
    this.#apply(this.#migration, target);
    this.#logger.info({ event: 'migration.started' }, 'migration runs');
    this.#run = this.#migration.run(this.#stop.signal).then(
      (outcome) => {
        this.#ended = true;
        this.#outcome = outcome;
        this.#logger.info({ event: 'migration.ended', outcome }, 'migration ended');
        this.#changed();
      },
      (error) => this.#fail(error),
    );
  }

  /** Passes the wanted state on to the engine, as far as it can act on it now. Repeated and early calls do no harm. */
  want(target: Target): void {
    if (!this.#migration) return;
    // Closing a way back ends the run before the end is on record.
    if (!this.#ended || target.reversal?.finish) this.#apply(this.#migration, target);
  }

  #apply({ current: migration }: ReversibleMigration, target: Target): void {
    const { wanted, loadLevel, copyMegabytesPerSecond, dropsConfirmed, dropCopied, reversal } = target;
    const { rehearsal, cutoverAborted } = target;
    this.#wantedReversals = reversal?.reversals;
    if (reversal && this.#reversal?.want(reversal) !== true) return;
    migration.setLoadLevel(loadLevel);
    migration.limitCopy(copyMegabytesPerSecond && copyMegabytesPerSecond * 1e6);
    if (dropsConfirmed !== null) migration.confirmDrops(dropsConfirmed);
    if (wanted === 'CANCELLED') this.#cancel(migration, dropCopied);
    else if (wanted === 'CUTOVER') this.#cutOver(migration);
    else if (cutoverAborted !== null && this.#abortAsked !== cutoverAborted && isLoaded(migration))
      this.#abortCutover(migration, cutoverAborted);
    else if (wanted !== migration.wanted && migration.wanted !== 'CUTOVER') {
      migration.want(wanted);
      this.#logger.info({ event: 'migration.steered', wanted }, 'migration is paused or resumes');
    }
    if (rehearsal !== null && wanted === 'RUNNING' && migration.wanted === 'RUNNING')
      this.#rehearse(migration, rehearsal);
  }

  /** @param abort  its name, which progress repeats once no commit can follow any more */
  #abortCutover(migration: Migration, abort: number): void {
    this.#abortAsked = abort;
    migration.abortCutover().then(
      () => {
        this.#aborted = abort;
        this.#logger.info({ event: 'cutover.aborted' }, 'the cutover is aborted');
        this.#changed();
      },
      // Past the point of no return. Progress reports that.
      (error) =>
        this.#logger.warn({ event: 'cutover.abort_failed', error: shownError(error) }, 'the cutover is not aborted'),
    );
  }

  #rehearse(migration: Migration, rehearsal: number): void {
    // Once the progress shows it, and while the migration isn't ready, there is nothing to do.
    if (this.#rehearsed === rehearsal || !migration.progress().readyForCutover) return;
    this.#rehearsed = rehearsal;
    try {
      migration.rehearse(rehearsal);
    } catch (error) {
      this.#logger.warn(
        { event: 'cutover.rehearsal_refused', error: shownError(error) },
        'the cutover is not rehearsed',
      );
    }
  }

  #cancel(migration: Migration, drop: boolean): void {
    if (this.#cancelAsked === drop) return;
    this.#cancelAsked = drop;
    this.#logger.info({ event: 'migration.cancelling', drop }, 'cancellation begins');
    // This rejects if the migration was committed first, or if the run fails. Progress reports both.
    migration
      .cancel({ drop })
      .catch((error) =>
        this.#logger.warn({ event: 'migration.cancel_failed', error: shownError(error) }, 'not cancelled'),
      );
  }

  #cutOver(migration: Migration): void {
    if (migration.wanted === 'CUTOVER') return;
    migration.cutOverOnceReady();
    this.#logger.info({ event: 'cutover.requested' }, 'cutover begins as soon as the migration is ready');
  }

  /** The entry of a report; undefined before the start, and after another engine has taken over the migration. */
  report(): Report['migrations'][number] | undefined {
    const progress = this.#progress();
    if (progress === undefined) return undefined;
    if (this.#wantedReversals === undefined) return { id: this.id, progress };
    // The engine knows the direction when it has read the records. Without them, it can close the way back of a given cutover.
    const isKnown = progress.state !== 'CREATED' && progress.state !== 'FAILED';
    const assumed = this.#reversal?.closedCutover ?? this.#wantedReversals;
    const reversals = isKnown ? (this.#reversal?.reversals ?? 0) : assumed;
    const wayBack = this.#reversal?.wayBack(progress, this.#outcome);
    return { id: this.id, progress, reversals, ...(wayBack && { wayBack }) };
  }

  /** The lists of the direction that the report is about; none after another engine has taken over the migration. */
  lists(): CurrentLists {
    const migration = this.wasTakenOver ? undefined : this.#migration?.current;
    return { id: this.id, collections: migration?.collections(), mismatches: migration?.mismatches() };
  }

  #progress(): Progress | undefined {
    if (this.wasTakenOver) return undefined;
    const known = this.#migration?.progress();
    const progress = known && this.#aborted !== undefined ? { ...known, cutoverAborted: this.#aborted } : known;
    if (this.#failure === undefined) return progress;
    if (progress === undefined) return neverBegun(this.id, this.#failure);
    return { ...progress, state: 'FAILED', lagSeconds: null, readyForCutover: false, error: shownError(this.#failure) };
  }

  /** Stops the run with a checkpoint and keeps the data. Resolves when the run has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  #fail(error: unknown): void {
    this.#ended = true;
    this.#failure = error;
    this.#logger.error({ event: 'migration.failed', error: shownError(error) }, 'migration failed');
    this.#changed();
  }
}

/** Whether the engine knows the migration's records: before that, nobody knows whether it has committed. */
function isLoaded(migration: Migration): boolean {
  return migration.progress().state !== 'CREATED';
}
