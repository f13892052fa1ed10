import { Migration, type MigrationOptions, type Progress } from '../engine/index.ts';
import type { WantedAgentState } from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { neverBegun, shownError } from './failed-progress.ts';

/** The wanted state of a migration, as the control plane sends it. */
export type Target = Omit<WantedAgentState['migrations'][number], 'id' | 'assignment'>;

/** One migration that the control plane has assigned to this agent, until it withdraws the assignment. */
export class AssignedMigration {
  readonly id: string;
  /** Key of the source cluster. Migrations of one source cluster run one after the other. */
  readonly sourceKey: string;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #migration: Migration | undefined;
  #run: Promise<void> = Promise.resolve();
  #ended = false;
  #failure: unknown;
  #target: Target;
  /** The last request to the engine. */
  #asked: 'running' | 'paused' | 'cutover' = 'running';
  #cancelAsked: boolean | undefined;

  constructor(id: string, sourceKey: string, target: Target, logger: Logger) {
    this.id = id;
    this.#target = target;
    this.sourceKey = sourceKey;
    this.#logger = logger.child({ migration: id });
  }

  get waiting(): boolean {
    return this.#migration === undefined && !this.#ended;
  }

  get running(): boolean {
    return this.#migration !== undefined && !this.#ended;
  }

  /** Whether another engine has taken the migration. */
  get wasTakenOver(): boolean {
    return this.#failure instanceof UserError && this.#failure.code === 'TAKEN_OVER';
  }

  /** Starts the migration, or resumes it from its checkpoint. @param optionsOf  makes the options; if it throws, the migration fails with that error */
  start(optionsOf: () => MigrationOptions): void {
    try {
      this.#migration = new Migration(optionsOf());
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Must come before the run, so that a paused or cancelled migration copies nothing after a restart.
    this.#apply(this.#migration);
    this.#logger.info('migration runs');
    this.#run = this.#migration.run(this.#stop.signal).then(
      (outcome) => {
        this.#ended = true;
        this.#logger.info({ outcome }, 'migration ended');
      },
      (error) => this.#fail(error),
    );
  }

  /** Stores the wanted state and passes to the engine what it can do now. Repeated and early calls do no harm. */
  want(target: Target): void {
    this.#target = target;
    if (this.#migration && !this.#ended) this.#apply(this.#migration);
  }

  #apply(migration: Migration): void {
    const { wanted, loadLevel, copyMegabytesPerSecond, dropsConfirmed, dropCopied } = this.#target;
    migration.setLoadLevel(loadLevel);
    migration.limitCopy(copyMegabytesPerSecond && copyMegabytesPerSecond * 1e6);
    if (dropsConfirmed) migration.confirmDrops();
    if (wanted === 'cancelled') this.#cancel(migration, dropCopied);
    else if (wanted === 'cutover') this.#cutOver(migration);
    else if (wanted !== this.#asked && this.#asked !== 'cutover') {
      migration.want(wanted);
      this.#asked = wanted;
      this.#logger.info({ wanted }, 'migration is paused or resumes');
    }
  }

  #cancel(migration: Migration, drop: boolean): void {
    if (this.#cancelAsked === drop) return;
    this.#cancelAsked = drop;
    this.#logger.info({ drop }, 'cancellation begins');
    // This rejects if the migration was committed first, or if the run fails. Progress reports both.
    migration.cancel({ drop }).catch((error) => this.#logger.warn({ error: shownError(error) }, 'not cancelled'));
  }

  #cutOver(migration: Migration): void {
    if (this.#asked === 'cutover') return;
    // The migration is paused: it has to catch up before the cutover.
    if (this.#asked === 'paused') {
      migration.want('running');
      this.#asked = 'running';
    }
    if (!migration.progress().readyForCutover) return;
    try {
      migration.want('cutover');
      this.#asked = 'cutover';
      this.#logger.info('cutover begins');
    } catch (error) {
      // The migration stopped being ready since the check above. The next call tries again.
      if (!(error instanceof UserError && error.code === 'NOT_READY_FOR_CUTOVER')) this.#fail(error);
    }
  }

  /** The progress to report; undefined before the start, and after another engine has taken over the migration. */
  progress(): Progress | undefined {
    if (this.wasTakenOver) return undefined;
    const progress = this.#migration?.progress();
    if (this.#failure === undefined) return progress;
    if (progress === undefined) return neverBegun(this.id, this.#failure);
    return { ...progress, state: 'failed', lagSeconds: null, readyForCutover: false, error: shownError(this.#failure) };
  }

  /** Stops the run with a checkpoint and keeps the data. Resolves when the run has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  #fail(error: unknown): void {
    this.#ended = true;
    this.#failure = error;
    this.#logger.error({ error: shownError(error) }, 'migration failed');
  }
}
