import { systemClock, UserError } from '../../platform/index.ts';
import { classify, reasonOf } from '../mongodb/failure-policy.ts';
import { Retrier } from '../mongodb/retry.ts';
import type { MigrationOptions } from '../scope/options.ts';
import type { CheckedClusters } from './clusters.ts';
import { MigrationRun, type Occasion } from './migration-run.ts';
import { hasBegun, openClusters } from './open-clusters.ts';

/** How long a cancelled migration waits for its clusters. It needs them only to record its end. */
const CANCELLED_WAITS_MS = 60_000;
/** How long the end of a committed cutover waits for its source, which watches it for late writes. Longer than an election. */
const COMMITTED_WAITS_MS = 20_000;

/**
 * Opens a run. With `waitForClusters` it retries until both clusters can be reached: hosts start in any order after a power
 * cut.
 */
export class Opening {
  readonly #options: MigrationOptions;
  readonly #occasion: Occasion;
  readonly #retrier: Retrier;
  /** For the first try. */
  #opened: CheckedClusters | undefined;
  /** When it began to wait for the clusters; undefined when it doesn't wait. */
  #waitsSince: number | undefined;

  /** @param opened  the connections of a preflight, which this run closes */
  constructor(options: MigrationOptions, occasion: Occasion, opened?: CheckedClusters) {
    this.#options = options;
    this.#occasion = occasion;
    this.#opened = opened;
    this.#retrier = new Retrier(options.clock ?? systemClock, options.logger, occasion.stop);
  }

  get #isCancelled(): boolean {
    return this.#occasion.order.cancelled.aborted;
  }

  get #waitsForSource(): boolean {
    const { clock = systemClock } = this.#options;
    // rule: wait-for-returning-source
    return this.#waitsSince !== undefined && clock.elapsed() - this.#waitsSince < COMMITTED_WAITS_MS;
  }

  /** The current waits of the opening. */
  get waits() {
    return this.#retrier.waits;
  }

  /**
   * Opens the run.
   * @returns `never began` for a cancelled migration that has no record on the destination, and so needs no run
   * @throws UserError CANCELLED_OUT_OF_REACH, and as {@link MigrationRun.open}
   */
  async open(): Promise<MigrationRun | 'never began'> {
    try {
      return await this.#open();
    } finally {
      await Promise.all([this.#opened?.source.close(), this.#opened?.destination.close()]);
    }
  }

  async #open(): Promise<MigrationRun | 'never began'> {
    if (!this.#options.waitForClusters) return await this.#tryOnce();
    const clock = this.#options.clock ?? systemClock;
    const beganAt = clock.elapsed();
    this.#waitsSince = beganAt;
    return await this.#retrier.run('both clusters', async () => {
      try {
        return await this.#tryOnce();
      } catch (error) {
        const isLate = this.#isCancelled && clock.elapsed() - beganAt >= CANCELLED_WAITS_MS;
        if (!isLate || classify(error) !== 'transient') throw error;
        throw new UserError('CANCELLED_OUT_OF_REACH', [reasonOf(error)], { cause: error });
      }
    });
  }

  async #tryOnce(): Promise<MigrationRun | 'never began'> {
    if (this.#isCancelled && !(await hasBegun(this.#options))) return 'never began';
    const opened = this.#opened;
    this.#opened = undefined;
    const options = { isCancelled: () => this.#isCancelled, waitsForSource: () => this.#waitsForSource };
    const clusters = opened ?? (await openClusters(this.#options, options));
    return await MigrationRun.open(this.#options, this.#occasion, this.#retrier, clusters);
  }
}
