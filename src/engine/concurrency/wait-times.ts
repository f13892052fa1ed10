import type { Clock } from '../../platform/index.ts';

/** The things that copying and applying wait for. */
export const WAITED_FOR = ['source', 'destination', 'throttle', 'memory'] as const;
export type WaitedFor = (typeof WAITED_FOR)[number];

/** Milliseconds for each thing that was waited for. */
export type WaitedMs = Readonly<Record<WaitedFor, number>>;

/**
 * Measures what the tasks that copy and apply wait for. Each moment counts once: while several tasks wait, it is divided
 * evenly among them. So the sum never exceeds the time that has passed. Costs a few additions a batch.
 */
export class WaitTimes {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #waiting: Record<WaitedFor, number> = { source: 0, destination: 0, throttle: 0, memory: 0 };
  readonly #waitedMs: Record<WaitedFor, number> = { source: 0, destination: 0, throttle: 0, memory: 0 };
  #tasks = 0;
  #countedToMs: number;

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
    this.#countedToMs = clock.elapsed();
  }

  /** Awaits work of a task, and counts its time as a wait. Returns and throws as the work does. */
  async during<T>(what: WaitedFor, work: Promise<T>): Promise<T> {
    this.#change(what, 1);
    try {
      return await work;
    } finally {
      this.#change(what, -1);
    }
  }

  /** The time waited for each thing since the start, with the waits that still last. */
  get totals(): WaitedMs {
    this.#count();
    return { ...this.#waitedMs };
  }

  #change(what: WaitedFor, by: 1 | -1): void {
    this.#count();
    this.#waiting[what] += by;
    this.#tasks += by;
  }

  #count(): void {
    const nowMs = this.#clock.elapsed();
    const passedMs = nowMs - this.#countedToMs;
    this.#countedToMs = nowMs;
    if (this.#tasks === 0) return;
    for (const what of WAITED_FOR) this.#waitedMs[what] += (passedMs * this.#waiting[what]) / this.#tasks;
  }
}
