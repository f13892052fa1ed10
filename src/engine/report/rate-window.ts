interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/**
 * The change per second of a number over the last seconds. A window, because a rate since the start hides a stall and a rate since the last
 * look makes the ETA jump.
 */
export class RateWindow {
  readonly #windowMs: number;
  readonly #warmUpMs: number;
  #samples: Sample[] = [];

  /**
   * @param windowMs how far back it looks
   * @param warmUpMs how much it must have seen before it says anything: the first batches of a copy say little about the rest
   */
  constructor(windowMs = 60_000, warmUpMs = 2_000) {
    this.#windowMs = windowMs;
    this.#warmUpMs = warmUpMs;
  }

  /** Adds what `value` is at `atMs`. */
  add(atMs: number, value: number): void {
    this.#samples.push({ atMs, value });
    // One sample at or before the window's edge stays, so that the window is always spanned.
    const firstInside = this.#samples.findIndex((sample) => sample.atMs > atMs - this.#windowMs);
    if (firstInside > 1) this.#samples = this.#samples.slice(firstInside - 1);
  }

  /** Forgets everything: a phase has begun, or what was counted started again. */
  reset(): void {
    this.#samples = [];
  }

  /** Change per second, negative when falling; null while it has not seen enough. */
  perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last) return null;
    const elapsedMs = last.atMs - first.atMs;
    return elapsedMs < this.#warmUpMs ? null : ((last.value - first.value) * 1000) / elapsedMs;
  }
}
