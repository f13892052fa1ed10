import { dateOf, type Wait } from '../../contract/index.ts';
import { type Clock, delayAfter, type Logger } from '../../platform/index.ts';
import { classify, isUnknown, reasonOf } from './failure-policy.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** After this time the log reports a wait again, as an error. */
const LOUDER_AFTER_MS = 30 * 60_000;

/** How long an error that no rule knows is retried. */
const UNKNOWN_PASSES_WITHIN_MS = 60_000;

/** Much longer than a slow server takes, and long enough not to raise an alarm about an election. */
const ANSWERS_WITHIN_MS = 30_000;

/** Describes a wait for people. */
export function describeWait(wait: Wait): string {
  return `Waiting for ${wait.for} since ${wait.since}: ${wait.reason}`;
}

/** Retries operations after transient failures, and reports what they wait for. */
export class Retrier {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #waits: Map<symbol, Wait>;
  readonly #onWait: ((wait: Wait) => void) | undefined;
  readonly #saidLouder = new Set<string>();

  constructor(
    clock: Clock,
    logger: Logger,
    signal: AbortSignal,
    waits: Map<symbol, Wait> = new Map(),
    onWait?: (wait: Wait) => void,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#signal = signal;
    this.#waits = waits;
    this.#onWait = onWait;
  }

  /** Returns a retrier for operations with a deadline. This one reports their waits too. */
  until(deadline: AbortSignal): Retrier {
    const signal = AbortSignal.any([this.#signal, deadline]);
    return new Retrier(this.#clock, this.#logger, signal, this.#waits, this.#onWait);
  }

  /** Returns a retrier for work after the run has ended. */
  but(end: AbortSignal): Retrier {
    return new Retrier(this.#clock, this.#logger, end, this.#waits, this.#onWait);
  }

  /** Returns the same retrier, which also calls `onWait` after each failed attempt. */
  telling(onWait: (wait: Wait) => void): Retrier {
    return new Retrier(this.#clock, this.#logger, this.#signal, this.#waits, onWait);
  }

  /** The current waits: one for each thing waited for, since the first operation that failed. */
  get waits(): readonly Wait[] {
    const waits = new Map<string, Wait>();
    // The map is in the order in which the waits began.
    for (const wait of this.#waits.values()) {
      const first = waits.get(wait.for);
      waits.set(wait.for, first === undefined ? wait : { ...wait, since: first.since });
    }
    return [...waits.values()];
  }

  /**
   * Runs an idempotent operation until it succeeds, without a time limit: restarting a migration costs more than any
   * wait.
   * @param what  what is waited for after a failure, for example "the destination"
   * @param longestDelayMs  longest delay between two attempts; the delays grow up to it
   * @throws the operation's error when it isn't transient, or the signal's reason when the run was stopped
   */
  async run<T>(what: string, operation: () => Promise<T>, longestDelayMs = LONGEST_DELAY_MS): Promise<T> {
    const id = Symbol(what);
    let failures = 0;
    let failedFirstAt: number | undefined;
    let unknownSince: number | undefined;
    try {
      while (true) {
        this.#signal.throwIfAborted();
        try {
          return await operation();
        } catch (error) {
          this.#signal.throwIfAborted();
          unknownSince = isUnknown(error) ? (unknownSince ?? this.#tellUnknown(what, error)) : undefined;
          // rule: unknown-error-is-bounded
          const mayPass = this.#clock.elapsed() - (unknownSince ?? Number.NEGATIVE_INFINITY) < UNKNOWN_PASSES_WITHIN_MS;
          if (classify(error) !== 'transient' && !mayPass) throw error;
          failedFirstAt ??= this.#clock.elapsed();
          const since = this.#waits.get(id)?.since ?? dateOf(this.#clock.now());
          const wait = { for: what, since, reason: reasonOf(error) };
          this.#waits.set(id, wait);
          this.#onWait?.(wait);
          if (this.#clock.elapsed() - failedFirstAt >= LOUDER_AFTER_MS) this.#sayLouder(wait);
        }
        failures += 1;
        const delayMs = delayAfter(failures, { firstMs: FIRST_DELAY_MS, longestMs: longestDelayMs });
        await this.#clock.sleep(delayMs * (0.5 + Math.random() / 2), this.#signal);
      }
    } finally {
      this.#waits.delete(id);
      if (failedFirstAt !== undefined && !this.waits.some((wait) => wait.for === what)) this.#saidLouder.delete(what);
    }
  }

  /**
   * Awaits an answer that servers give within moments, and reports a wait when it is late: a set without its majority
   * accepts writes but never answers them.
   */
  async expect<T>(what: string, answer: Promise<T>): Promise<T> {
    const id = Symbol(what);
    const since = dateOf(this.#clock.now());
    const late = this.#clock.timeout(ANSWERS_WITHIN_MS);
    const tell = () =>
      this.#waits.set(id, {
        for: what,
        since,
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

  /** @returns the time from which the error is retried */
  #tellUnknown(what: string, error: unknown): number {
    this.#logger.warn(
      { event: 'wait.unknown_error', for: what, reason: reasonOf(error) },
      'Trying again for a minute after an error that Linkspan does not know',
    );
    return this.#clock.elapsed();
  }

  /** Many operations wait for the same thing, so one line is enough. */
  #sayLouder(wait: Wait): void {
    if (this.#saidLouder.has(wait.for)) return;
    this.#saidLouder.add(wait.for);
    this.#logger.error(
      { event: 'wait.long', ...wait },
      `${describeWait(wait)}. The migration resumes by itself once that is available`,
    );
  }
}
