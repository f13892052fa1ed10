interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/**
 * The change per second of a number over the last seconds. A rate since the start would hide a stall, and a rate since
 * the last sample would make the ETA jump.
 */
export class RateWindow {
  readonly #windowMs: number;
  readonly #warmUpMs: number;
  #samples: Sample[] = [];

  /**
   * @param windowMs  length of the window
   * @param warmUpMs  shortest span before it returns a rate: the first batches of a copy say little about the rest
   */
  constructor(windowMs = 60_000, warmUpMs = 2_000) {
    this.#windowMs = windowMs;
    this.#warmUpMs = warmUpMs;
  }

  /** Adds the value at a time. */
  add(atMs: number, value: number): void {
    this.#samples.push({ atMs, value });
    // One sample at or before the window's edge stays, so that the samples always span the window.
    const firstInside = this.#samples.findIndex((sample) => sample.atMs > atMs - this.#windowMs);
    if (firstInside > 1) this.#samples = this.#samples.slice(firstInside - 1);
  }

  /** Adds the value of a counter. One that has fallen counts anew: a dropped collection takes its numbers with it. */
  count(atMs: number, value: number): void {
    if (value < (this.#samples.at(-1)?.value ?? 0)) this.reset();
    this.add(atMs, value);
  }

  /** Forgets all samples, because a phase has begun or a counter restarted. */
  reset(): void {
    this.#samples = [];
  }

  /** The change per second, negative when decreasing; null before there are enough samples. */
  perSecond(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last) return null;
    const elapsedMs = last.atMs - first.atMs;
    return elapsedMs < this.#warmUpMs ? null : ((last.value - first.value) * 1000) / elapsedMs;
  }
}

/** Returns the seconds until `left` is done at a rate; null when the rate is unknown, or nothing is left. */
export function secondsFor(left: number, perSecond: number | null): number | null {
  return perSecond !== null && perSecond > 0 && left > 0 ? Math.round(left / perSecond) : null;
}
