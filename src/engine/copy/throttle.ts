import type { Clock } from '../../platform/index.ts';

/** Keeps the initial copy under a rate. Time is booked ahead, so several readers share the rate fairly. */
export class Throttle {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  #bookedUntilMs = Number.NEGATIVE_INFINITY;

  /** @param bytesPerSecond Infinity for no limit */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Resolves when `bytes` more may be sent, or when the signal aborts. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === Number.POSITIVE_INFINITY) return;
    const nowMs = this.#clock.elapsed();
    const startMs = Math.max(nowMs, this.#bookedUntilMs);
    this.#bookedUntilMs = startMs + (bytes / this.#bytesPerSecond) * 1_000;
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal);
  }
}
