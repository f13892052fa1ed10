import { type Clock, systemClock } from '../../src/platform/index.ts';

/** A clock that stands still between two calls of `pass`. All loops of a test sleep by it, and only there. */
export class StandingClock implements Clock {
  readonly now = systemClock.now;
  readonly timeout = systemClock.timeout;
  readonly #loops: number;
  #elapsedMs = 0;
  #sleeping: (() => void)[] = [];
  #allAsleep = Promise.withResolvers<void>();

  /** @param loops  how many sleep at a time */
  constructor(loops: number) {
    this.#loops = loops;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  async sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      this.#sleeping.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      if (this.#sleeping.length === this.#loops) this.#allAsleep.resolve();
    });
  }

  /** Lets time pass, in milliseconds, and one round of each loop at its end. */
  async pass(ms: number): Promise<void> {
    await this.#allAsleep.promise;
    const woken = this.#sleeping;
    this.#sleeping = [];
    this.#allAsleep = Promise.withResolvers();
    this.#elapsedMs += ms;
    for (const wake of woken) wake();
    await this.#allAsleep.promise;
  }
}
