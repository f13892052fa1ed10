import type { Clock } from '../../src/platform/index.ts';

interface Sleeper {
  readonly untilMs: number;
  wake(): void;
}

/** A clock that runs and also jumps. The time limits of operations are real time: a jump makes no request late. */
export class JumpClock implements Clock {
  #aheadMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  elapsed(): number {
    return performance.now() + this.#aheadMs;
  }

  timeout(ms: number): AbortSignal {
    return AbortSignal.timeout(ms);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { untilMs: this.elapsed() + ms, wake };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  /** Moves the time forward, and wakes those whose time has come. */
  jump(ms: number): void {
    this.#aheadMs += ms;
    const nowMs = this.elapsed();
    for (const { untilMs, wake } of [...this.#sleepers]) if (untilMs <= nowMs) wake();
  }
}
