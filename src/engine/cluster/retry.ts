import type { Clock } from '../../platform/index.ts';
import { messageOf } from '../../platform/index.ts';
import { classify } from './failure-policy.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** How long one operation is tried again before the migration stops; it can be resumed then (as mongosync 1.18 does). */
const GIVE_UP_AFTER_MS = 30 * 60_000;

/** Repeats operations that failed for a passing reason, and knows what is being waited for. */
export class Retrier {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #waits = new Map<symbol, { readonly what: string; readonly sinceMs: number; readonly reason: string }>();

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** What is being tried again at the moment, for the operator. */
  get waits(): readonly string[] {
    return [...this.#waits.values()].map(
      (wait) => `Waiting for ${wait.what} since ${new Date(wait.sinceMs).toISOString()}: ${wait.reason}`,
    );
  }

  /**
   * Runs an idempotent operation until it succeeds [55].
   * @param what  what is waited for if it fails, for example "the destination"
   * @throws the operation's error when it is not transient, when it lasted too long, or when the run was stopped
   */
  async run<T>(what: string, operation: () => Promise<T>): Promise<T> {
    const id = Symbol(what);
    let delayMs = FIRST_DELAY_MS;
    try {
      while (true) {
        this.#signal.throwIfAborted();
        try {
          return await operation();
        } catch (error) {
          this.#signal.throwIfAborted();
          if (classify(error) !== 'transient') throw error;
          const sinceMs = this.#waits.get(id)?.sinceMs ?? this.#clock.now();
          if (this.#clock.now() - sinceMs > GIVE_UP_AFTER_MS) throw error;
          this.#waits.set(id, { what, sinceMs, reason: messageOf(error) });
        }
        await this.#clock.sleep(delayMs * (0.5 + Math.random() / 2), this.#signal);
        delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
      }
    } finally {
      this.#waits.delete(id);
    }
  }
}
