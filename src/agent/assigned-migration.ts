import { FIRST_ORDER, type Order, type Outcome, type Progress } from '../contract/index.ts';
import { type MigrationOptions, ReversibleMigration } from '../engine/index.ts';
import type { Report } from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { failbackReport } from './failback-report.ts';
import { neverBegun, shownError } from './failed-progress.ts';
import type { CurrentLists } from './migration-lists.ts';

/** One migration that the control plane has assigned to this agent, until it withdraws the assignment. */
export class AssignedMigration {
  readonly id: string;
  /** Key of the source cluster. Migrations of one source cluster run one after the other. */
  readonly sourceKey: string;
  readonly #logger: Logger;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  #migration: ReversibleMigration | undefined;
  #order: Order = FIRST_ORDER;
  #run: Promise<void> = Promise.resolve();
  #ended = false;
  #outcome: Outcome | undefined;
  #failure: unknown;

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
    const failure = this.#failure ?? this.#migration?.failbackFailure;
    return failure instanceof UserError && failure.code === 'TAKEN_OVER';
  }

  /**
   * Starts the migration, or resumes it from its checkpoint.
   * @param optionsOf  makes the options; if it throws, the migration fails with that error
   */
  start(order: Order, optionsOf: () => MigrationOptions): void {
    try {
      this.#migration = new ReversibleMigration(optionsOf());
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Must come before the run, so that a paused or cancelled migration copies nothing after a restart.
    this.follow(order);
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

  /** Passes the order on to the engine. To be called repeatedly: the engine may be able to do more of it later. */
  follow(order: Order): void {
    if (this.#migration === undefined) return;
    if (this.#order.wanted !== order.wanted)
      this.#logger.info({ event: 'migration.steered', wanted: order.wanted }, 'the operator wants another state');
    this.#order = order;
    // Closing a failback ends the run before the end is on record.
    if (!this.#ended || order.finish !== null) this.#migration.follow(order);
  }

  /** The entry of a report; undefined before the start, and after another engine has taken over the migration. */
  report(): Report['migrations'][number] | undefined {
    const migration = this.#migration;
    const progress = this.#progress();
    if (progress === undefined) return undefined;
    if (!migration?.isReversible) return { id: this.id, progress };
    // The engine knows the direction when it has read the records. Without them, it can close the failback of a given cutover.
    const isKnown = progress.state !== 'CREATED' && progress.state !== 'FAILED';
    const assumed = typeof migration.closed === 'number' ? migration.closed : this.#order.direction;
    const reversals = isKnown ? migration.direction : assumed;
    const failback = failbackReport(migration, progress.state, this.#outcome);
    return { id: this.id, progress, reversals, ...(failback && { failback }) };
  }

  /** The lists of the direction that the report is about; none after another engine has taken over the migration. */
  lists(): CurrentLists {
    const migration = this.wasTakenOver ? undefined : this.#migration?.current;
    return { id: this.id, collections: migration?.collections(), mismatches: migration?.mismatches() };
  }

  #progress(): Progress | undefined {
    if (this.wasTakenOver) return undefined;
    const progress = this.#migration?.progress();
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
