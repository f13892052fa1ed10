import type { Clock, Logger } from '../../platform/index.ts';
import { classify, reasonOf } from './failure-policy.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** When the log says once more, and louder, that something is waited for. */
const LOUDER_AFTER_MS = 30 * 60_000;

/** Much longer than a server takes that is only slow, and so long that nobody is alarmed by an election. */
const ANSWERS_WITHIN_MS = 30_000;

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

  /** The same, for what is to be done after the run has ended. */
  but(end: AbortSignal): Retrier {
    return new Retrier(this.#clock, this.#logger, end, this.#waits);
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
   * @param longestDelayMs  between two tries; servers that fail are left in peace for longer and longer
   * @throws the operation's error when it is not transient, or the signal's reason when the run was stopped
   */
  async run<T>(what: string, operation: () => Promise<T>, longestDelayMs = LONGEST_DELAY_MS): Promise<T> {
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
        delayMs = Math.min(delayMs * 2, longestDelayMs);
      }
    } finally {
      this.#waits.delete(id);
      if (failedFirstAt !== undefined && !this.waits.some((wait) => wait.for === what)) this.#saidLouder.delete(what);
    }
  }

  /**
   * Awaits what servers answer within moments, and tells of a wait when they do not: one that lacks the majority of its members takes writes
   * without an answer and without an error.
   */
  async expect<T>(what: string, answer: Promise<T>): Promise<T> {
    const id = Symbol(what);
    const sinceMs = this.#clock.now();
    const late = this.#clock.timeout(ANSWERS_WITHIN_MS);
    const tell = () =>
      this.#waits.set(id, {
        for: what,
        sinceMs,
        reason: 'it has not acknowledged a write; are most of its members there?',
      });
    late.addEventListener('abort', tell);
    try {
      return await answer;
    } finally {
      late.removeEventListener('abort', tell);
      this.#waits.delete(id);
    }
  }

  /** Many operations wait for the same thing, and one line is enough. */
  #sayLouder(wait: Wait): void {
    if (this.#saidLouder.has(wait.for)) return;
    this.#saidLouder.add(wait.for);
    this.#logger.error(wait, `${describeWait(wait)}. The migration goes on by itself once it is there`);
  }
}
