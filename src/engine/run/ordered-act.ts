import { type Clock, type Logger, messageOf, redact, UserError } from '../../platform/index.ts';

/** Each attempt to close a failback connects to the cluster, and the first may come before the engine has opened it. */
const CLOSES_AGAIN_AFTER_MS = 2_000;

const WAITS_MS = { 'migration.reverse_failed': 0, 'failback.close_failed': CLOSES_AGAIN_AFTER_MS } as const;

/** A part of an order that takes a while: a reversal, or the end of a failback. One at a time; a repeated order tries a refused one again. */
export class OrderedAct {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #refusal: { readonly error: unknown; readonly revision: number; readonly untilMs: number } | undefined;
  /** Resolves when the one that is under way has ended, however it ends; undefined while there is none. */
  ending: Promise<void> | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * Begins the act, unless one is under way, or this one was refused a moment ago.
   * @param revision  of the order that asks for it
   * @param failed  the log's event when it fails
   */
  begin(revision: number, failed: keyof typeof WAITS_MS, act: () => Promise<void>): void {
    const isRefused = this.#refusal?.revision === revision && this.#clock.elapsed() < this.#refusal.untilMs;
    if (this.ending !== undefined || isRefused) return;
    const refused = (error: unknown) => {
      const waitsMs = isLost(error) ? Number.POSITIVE_INFINITY : WAITS_MS[failed];
      this.#refusal = { error, revision, untilMs: this.#clock.elapsed() + waitsMs };
      // The engine has not opened the failback yet, and is asked again. Or another cutover has followed the one whose failback
      // is to be closed.
      if (error instanceof UserError && error.code === 'WRONG_STATE') return;
      this.#logger.warn({ event: failed, error: redact(messageOf(error)) }, 'The order was not carried out');
    };
    this.ending = act()
      .catch(refused)
      .finally(() => {
        this.ending = undefined;
      });
  }

  /** The error with which the act of this revision was refused last; undefined unless it was. */
  refusalOf(revision: number): unknown {
    return this.#refusal?.revision === revision ? this.#refusal.error : undefined;
  }

  /** The last error, if nothing can carry the act out: the record of the last cutover is gone. */
  get recordLost(): UserError | undefined {
    const error = this.#refusal?.error;
    return isLost(error) ? error : undefined;
  }
}

function isLost(error: unknown): error is UserError {
  return error instanceof UserError && error.code === 'CUTOVER_RECORD_LOST';
}
