import type { Outcome, Progress, WayBack } from '../contract/index.ts';
import type { ReversibleMigration } from '../engine/index.ts';
import type { WantedAgentState } from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { shownError } from './failed-progress.ts';

type Wanted = NonNullable<WantedAgentState['migrations'][number]['reversal']>;

/** The first attempts to close a way back may come before the engine has opened it. Each one connects to the cluster. */
const CLOSES_AGAIN_AFTER_MS = 2_000;

/**
 * Brings the direction of a reversible migration to the wanted one, and closes its way back. The wanted state is a number, so
 * that an order that comes late or twice does no harm.
 */
export class Reversal {
  readonly #migration: ReversibleMigration;
  readonly #logger: Logger;
  #acting = false;
  #closed = false;
  #closedCutover: number | undefined;
  #closesAgainAtMs = 0;
  /** The error of a cutover whose record is gone: nothing can be done about it. */
  #lost: UserError | undefined;

  constructor(migration: ReversibleMigration, logger: Logger) {
    this.#migration = migration;
    this.#logger = logger;
  }

  /** The direction that the engine shows. */
  get reversals(): number {
    return this.#migration.current.options.reversals ?? 0;
  }

  /** The direction of the cutover whose way back it has closed; undefined before, and unless the order named it. */
  get closedCutover(): number | undefined {
    return this.#closedCutover;
  }

  /**
   * Acts on the wanted direction, as far as possible now. Must be called repeatedly.
   * @returns whether the engine has the wanted direction, so that the other requests are about it
   */
  want({ reversals, finish, finishOf, dropsConfirmed }: Wanted): boolean {
    const ahead = reversals - this.reversals;
    if (finish) {
      const isUnknown = this.#migration.current.progress().state === 'CREATED';
      // Servers of older versions don't name the cutover. A reversal that the engine has not begun is given up with the way back.
      // rule: finish-of-its-direction
      if (finishOf !== undefined || isUnknown || ahead === 0 || ahead === 1) this.#finish(finishOf);
      return false;
    }
    if (ahead === 1) this.#reverse();
    // rule: request-of-its-direction
    if (ahead !== 0) return false;
    if (dropsConfirmed !== null) this.#migration.wayBack?.confirmDrops(dropsConfirmed);
    return true;
  }

  /**
   * The way back to report; undefined before a cutover.
   * @param outcome  of the run, once it has ended
   */
  wayBack(current: Progress, outcome: Outcome | undefined): WayBack | undefined {
    if (this.#lost !== undefined) return { state: 'FAILED', error: shownError(this.#lost) };
    if (this.#closed) return { state: 'CLOSED' };
    if (current.state !== 'COMMITTED') return undefined;
    const { wayBack, wayBackFailure } = this.#migration;
    if (wayBackFailure !== undefined) return { state: 'FAILED', error: shownError(wayBackFailure) };
    if (wayBack === undefined) return { state: outcome === 'COMMITTED' ? 'CLOSED' : 'PREPARING' };
    const { state, readyForCutover: ready, notReadyReasons, lagSeconds, oplog, warnings } = wayBack.progress();
    if (state === 'CREATED' || state === 'PREPARING') return { state: 'PREPARING' };
    const list = (texts: readonly string[]) => [...texts];
    const [reasons, warned] = [list(notReadyReasons), list(warnings)];
    const oplogLeftSeconds = oplog?.leftSeconds ?? null;
    return { state: 'FOLLOWING', ready, notReadyReasons: reasons, lagSeconds, oplogLeftSeconds, warnings: warned };
  }

  #reverse(): void {
    this.#act('reversal', 'migration.reverse_failed', async () => {
      await this.#migration.reverse();
      this.#logger.info({ event: 'migration.reversed', reversals: this.reversals }, 'migration is reversed');
    });
  }

  #finish(cutover: number | undefined): void {
    if (this.#closed || performance.now() < this.#closesAgainAtMs) return;
    this.#act('end of the way back', 'way_back.close_failed', async () => {
      this.#closesAgainAtMs = performance.now() + CLOSES_AGAIN_AFTER_MS;
      // rule: pass-on-finish
      await this.#migration.finish(cutover);
      this.#closed = true;
      this.#closedCutover = cutover;
      this.#logger.info({ event: 'way_back.closed' }, 'way back is closed');
    });
  }

  #act(what: string, event: 'migration.reverse_failed' | 'way_back.close_failed', act: () => Promise<void>): void {
    if (this.#acting || this.#lost !== undefined) return;
    this.#acting = true;
    act()
      .catch((error: unknown) => {
        // The engine has not opened the way back yet, and the next call tries again. Or another cutover has followed the one whose
        // way back is to be closed: the report of that one ends the order.
        if (error instanceof UserError && error.code === 'WRONG_STATE') return;
        const isLost = error instanceof UserError && error.code === 'CUTOVER_RECORD_LOST';
        if (isLost) this.#lost = error;
        this.#logger.warn({ event, error: shownError(error) }, `${what} failed${isLost ? '' : '; trying again'}`);
      })
      .finally(() => {
        this.#acting = false;
      });
  }
}
