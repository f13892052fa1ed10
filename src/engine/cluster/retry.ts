import type { Clock, Logger } from '../../platform/index.ts';
import { classify, reasonOf } from './failure-policy.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** When the log says once more, and louder, that something is waited for. */
const LOUDER_AFTER_MS = 30 * 60_000;

/** Something that the migration cannot go on without at the moment, and goes on with by itself once it is there. */
export interface Wait {
  /** What is waited for, for example "the destination". */
  readonly for: string;
  /** Wall clock, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly reason: string;
}

/** The sentence for people. */
export function describeWait(wait: Wait): string {
  return `Waiting for ${wait.for} since ${new Date(wait.sinceMs).toISOString()}: ${wait.reason}`;
}

/** Repeats operations that failed for a passing reason, and knows what is being waited for. */
export class Retrier {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #waits: Map<symbol, Wait>;
  readonly #saidLouder = new Set<string>();

  constructor(clock: Clock, logger: Logger, signal: AbortSignal, waits: Map<symbol, Wait> = new Map()) {
    this.#clock = clock;
    this.#logger = logger;
    this.#signal = signal;
    this.#waits = waits;
  }

  /** The same, for operations that have a deadline; what they wait for is told by this one, too. */
  until(deadline: AbortSignal): Retrier {
    return new Retrier(this.#clock, this.#logger, AbortSignal.any([this.#signal, deadline]), this.#waits);
  }

  /** What is being tried again at the moment: one wait for each thing waited for, since the first operation that failed. */
  get waits(): readonly Wait[] {
    const waits = new Map<string, Wait>();
    // The order is that in which they began.
    for (const wait of this.#waits.values()) {
      const first = waits.get(wait.for);
      waits.set(wait.for, first === undefined ? wait : { ...wait, sinceMs: first.sinceMs });
    }
    return [...waits.values()];
  }

  /**
   * Runs an idempotent operation until it succeeds, for ever if need be: a migration that has gone this far is worth waiting for [55].
   * @param what  what is waited for if it fails, for example "the destination"
   * @throws the operation's error when it is not transient, or the signal's reason when the run was stopped
   */
  async run<T>(what: string, operation: () => Promise<T>): Promise<T> {
    const id = Symbol(what);
    let delayMs = FIRST_DELAY_MS;
    let failedFirstAt: number | undefined;
    try {
      while (true) {
        this.#signal.throwIfAborted();
        try {
          return await operation();
        } catch (error) {
          this.#signal.throwIfAborted();
          if (classify(error) !== 'transient') throw error;
          failedFirstAt ??= this.#clock.elapsed();
          const sinceMs = this.#waits.get(id)?.sinceMs ?? this.#clock.now();
          const wait = { for: what, sinceMs, reason: reasonOf(error) };
          this.#waits.set(id, wait);
          if (this.#clock.elapsed() - failedFirstAt >= LOUDER_AFTER_MS) this.#sayLouder(wait);
        }
        await this.#clock.sleep(delayMs * (0.5 + Math.random() / 2), this.#signal);
        delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
      }
    } finally {
      this.#waits.delete(id);
      if (failedFirstAt !== undefined && !this.waits.some((wait) => wait.for === what)) this.#saidLouder.delete(what);
    }
  }
  /** Many operations wait for the same thing, and one line is enough. */
  #sayLouder(wait: Wait): void {
    if (this.#saidLouder.has(wait.for)) return;
    this.#saidLouder.add(wait.for);
    this.#logger.error(wait, `${describeWait(wait)}. The migration goes on by itself once it is there`);
  }
}
