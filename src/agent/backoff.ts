/**
 * How long to wait after each failure in a row: random up to a limit that doubles ("full jitter"), so that a control plane that comes back
 * does not meet all its agents at once.
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
    const limitMs = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    // Never less than a tenth: a refused connection fails in no time.
    return limitMs * (0.1 + 0.9 * this.#random());
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
