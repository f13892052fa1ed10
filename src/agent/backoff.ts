import { delayAfter } from '../platform/index.ts';

/**
 * Computes the delay after each consecutive failure: random up to a limit that doubles ("full jitter"). A control plane that comes back
 * then does not get the requests of all agents at once.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(firstMs = 500, longestMs = 30_000, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. @returns milliseconds to wait */
  failed(): number {
    this.#failures += 1;
    const limitMs = delayAfter(this.#failures, { firstMs: this.#firstMs, longestMs: this.#longestMs });
    // At least a tenth of the limit, because a refused connection fails at once.
    return limitMs * (0.1 + 0.9 * this.#random());
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
