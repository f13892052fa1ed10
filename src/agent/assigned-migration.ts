import { Migration, type MigrationOptions, type Progress } from '../engine/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { neverBegun, shownError } from './failed-progress.ts';

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
  #cutoverAsked = false;

  constructor(id: string, sourceKey: string, logger: Logger) {
    this.id = id;
    this.sourceKey = sourceKey;
    this.#logger = logger.child({ migration: id });
  }

  get waiting(): boolean {
    return this.#migration === undefined && !this.#ended;
  }

  get running(): boolean {
    return this.#migration !== undefined && !this.#ended;
  }

  /** Begins, or goes on from the checkpoint. @param optionsOf may throw, which is how the migration fails then */
  start(optionsOf: () => MigrationOptions): void {
    try {
      this.#migration = new Migration(optionsOf());
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#logger.info('migration runs');
    this.#run = this.#migration.run(this.#stop.signal).then(
      (outcome) => {
        this.#ended = true;
        this.#logger.info({ outcome }, 'migration ended');
      },
      (error) => this.#fail(error),
    );
  }

  /** Asks for the cutover once the engine is ready for it. Wanted state: asking again is harmless, and so is asking too early. */
  wantCutover(): void {
    if (this.#cutoverAsked || !this.running || !this.#migration?.progress().readyForCutover) return;
    try {
      this.#migration.want('cutover');
      this.#cutoverAsked = true;
      this.#logger.info('cutover begins');
    } catch (error) {
      // It stopped being ready between the two lines; the next look asks again.
      if (!(error instanceof UserError && error.code === 'NOT_READY_FOR_CUTOVER')) this.#fail(error);
    }
  }

  /** What to report; undefined while there is nothing to say, and when another engine speaks for this migration now. */
  progress(): Progress | undefined {
    if (this.#failure instanceof UserError && this.#failure.code === 'TAKEN_OVER') return undefined;
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
