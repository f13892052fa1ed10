import type { Clock } from '../../src/platform/index.ts';

/** A clock that a test sets. It starts in 2026, before the sunset of every API version that these tests use. */
export class FakeClock implements Clock {
  nowMs = Date.parse('2026-11-01T12:00:00Z');

  now(): number {
    return this.nowMs;
  }

  elapsed(): number {
    return this.nowMs;
  }

  timeout(): AbortSignal {
    return new AbortController().signal;
  }

  /** Waits only for the signal, because the time does not pass by itself. */
  async sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    if (!signal || signal.aborted) return;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}
