import { Migration, type MigrationOptions, type Progress } from '../engine/index.ts';
import type { WantedAgentState } from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { neverBegun, shownError } from './failed-progress.ts';

/** What the control plane wants of a migration. */
export type Target = Omit<WantedAgentState['migrations'][number], 'id' | 'assignment'>;

/** One migration that the control plane wants of this agent, from the first word of it until it is not wanted any more. */
export class AssignedMigration {
  readonly id: string;
  /** Migrations of one source cluster run one after the other. */
  readonly sourceKey: string;
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #migration: Migration | undefined;
  #run: Promise<void> = Promise.resolve();
  #ended = false;
  #failure: unknown;
  #target: Target;
  /** What the engine was told last. */
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

  /** Begins, or goes on from the checkpoint. @param optionsOf may throw, which is how the migration fails then */
  start(optionsOf: () => MigrationOptions): void {
    try {
      this.#migration = new Migration(optionsOf());
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Before the run, so that a paused migration copies nothing after a restart, and a cancelled one neither.
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

  /** Takes note of what is wanted and asks the engine for what it can do of it now. Asking again is harmless, and so is asking too early. */
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
      this.#logger.info({ wanted }, 'migration is paused or goes on');
    }
  }

  #cancel(migration: Migration, drop: boolean): void {
    if (this.#cancelAsked === drop) return;
    this.#cancelAsked = drop;
    this.#logger.info({ drop }, 'cancellation begins');
    // Too late, it has been committed, which is what is reported; or the run fails, which is told there.
    migration.cancel({ drop }).catch((error) => this.#logger.warn({ error: shownError(error) }, 'not cancelled'));
  }

  #cutOver(migration: Migration): void {
    if (this.#asked === 'cutover') return;
    // Paused while the cutover was asked for: it has to catch up first.
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
      // It stopped being ready between the two lines; the next look asks again.
      if (!(error instanceof UserError && error.code === 'NOT_READY_FOR_CUTOVER')) this.#fail(error);
    }
  }

  /** What to report; undefined while there is nothing to say, and when another engine speaks for this migration now. */
  progress(): Progress | undefined {
    if (this.wasTakenOver) return undefined;
    const progress = this.#migration?.progress();
    if (this.#failure === undefined) return progress;
    if (progress === undefined) return neverBegun(this.id, this.#failure);
    return { ...progress, state: 'failed', lagSeconds: null, readyForCutover: false, error: shownError(this.#failure) };
  }

  /** Ends the run with a checkpoint; the data stays. Resolves when it has ended. */
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
