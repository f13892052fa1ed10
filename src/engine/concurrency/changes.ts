import type { Clock } from '../../platform/index.ts';

const WOKEN = 'woken';

/** Wakes the parts of a run that wait for a condition, whenever something changed on which conditions depend. */
export class Changes {
  readonly #clock: Clock;
  readonly #wider: Changes | undefined;
  readonly #waiting = new Set<() => void>();

  /** @param wider  changes that these are a part of: tasks that wait for them wake up, too */
  constructor(clock: Clock, wider?: Changes) {
    this.#clock = clock;
    this.#wider = wider;
  }

  /** To be called after a change. */
  notify(): void {
    for (const wake of this.#waiting) wake();
    this.#wider?.notify();
  }

  /**
   * Waits until the condition holds. It is evaluated at once, after each change, and again after `everyMs`, for conditions that depend on
   * the time.
   * @throws the signal's reason when it aborts first
   */
  async until(condition: () => boolean, signal: AbortSignal, everyMs: number): Promise<void> {
    while (!condition()) {
      signal.throwIfAborted();
      await this.next(signal, everyMs);
    }
    signal.throwIfAborted();
  }

  /**
   * Yields at once, after changes, and after `everyMs`, to a caller that looks at everything each time. A look at thousands
   * of collections takes longer than their changes are apart, so the next one waits until this one was a tenth of the time.
   */
  async *looks(signal: AbortSignal, everyMs: number): AsyncGenerator<void> {
    while (!signal.aborted) {
      const beganMs = this.#clock.elapsed();
      yield;
      const pauseMs = Math.min(9 * (this.#clock.elapsed() - beganMs), everyMs);
      await this.next(signal, everyMs);
      if (pauseMs >= 1) await this.#clock.sleep(pauseMs, signal);
    }
  }

  /** Resolves after the next change, after `withinMs`, or when the signal aborts. */
  async next(signal: AbortSignal, withinMs: number): Promise<void> {
    if (signal.aborted) return;
    const over = new AbortController();
    // The default reason is an error with a stack trace, which cost more than the rest of a change.
    const wake = () => over.abort(WOKEN);
    this.#waiting.add(wake);
    // Not `AbortSignal.any`, whose bookkeeping stays until the next full collection: kilobytes for each of many changes.
    signal.addEventListener('abort', wake);
    try {
      await this.#clock.sleep(withinMs, over.signal);
    } finally {
      signal.removeEventListener('abort', wake);
      this.#waiting.delete(wake);
    }
  }
}
