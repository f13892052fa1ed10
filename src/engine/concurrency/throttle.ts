import type { Clock } from '../../platform/index.ts';

/** Timers accept at most 2^31 ms. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * Limits the rate of the initial sync. The limit may change at any time. Readers are served in order of arrival, so
 * they share the rate fairly.
 */
export class Throttle {
  readonly #clock: Clock;
  #bytesPerSecond: number;
  #freeAtMs = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();
  #changed = new AbortController();

  /** @param bytesPerSecond  Infinity for no limit */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Takes effect at once, also for readers that wait. */
  set bytesPerSecond(rate: number) {
    if (rate === this.#bytesPerSecond) return;
    this.#bytesPerSecond = rate;
    this.#freeAtMs = Number.NEGATIVE_INFINITY;
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** Resolves when `bytes` more may be sent, or when the signal aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    // Read the clock once per turn: a second reading may be past the end, and Node.js warns of a negative timeout.
    for (let leftMs = this.#leftMs; leftMs > 0 && !signal.aborted; leftMs = this.#leftMs) {
      const waitMs = Math.min(leftMs, LONGEST_SLEEP_MS);
      await this.#clock.sleep(waitMs, AbortSignal.any([signal, this.#changed.signal]));
    }
    this.#freeAtMs = this.#clock.elapsed() + (bytes / this.#bytesPerSecond) * 1_000;
    resolve();
  }

  get #leftMs(): number {
    return this.#freeAtMs - this.#clock.elapsed();
  }
}
