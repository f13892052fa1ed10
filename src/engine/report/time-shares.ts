import { performance } from 'node:perf_hooks';
import type { MigrationState, TimeShares } from '../../contract/index.ts';
import { WAITED_FOR, type WaitedMs } from '../concurrency/wait-times.ts';
import type { Pace } from '../records/context.ts';

interface Sample {
  readonly atMs: number;
  readonly waitedMs: WaitedMs;
  /** Since the start of the process. */
  readonly busyMs: number;
}

const WINDOW_MS = 60_000;
const EVERY_MS = 1_000;
/** The first moments of a phase say little about the rest. */
const WARM_UP_MS = 2_000;

/** Measures the use of the last minute's time, since the migration entered its state. */
export class TimeMeter {
  #samples: Sample[] = [];
  #state: MigrationState | undefined;

  /** Samples every second until the run ends. */
  async run({ clock, signal, waitTimes }: Pace, state: () => MigrationState): Promise<void> {
    while (!signal.aborted) {
      const { active: busyMs } = performance.eventLoopUtilization();
      this.add(state(), { atMs: clock.elapsed(), waitedMs: waitTimes.totals, busyMs });
      await clock.sleep(EVERY_MS, signal);
    }
  }

  /** Adds a sample. Another state begins a new measurement. */
  add(state: MigrationState, sample: Sample): void {
    if (state !== this.#state) this.#samples = [];
    this.#state = state;
    this.#samples.push(sample);
    // One sample at or before the window's edge stays, so that the samples always span the window.
    while ((this.#samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - WINDOW_MS) this.#samples.shift();
  }

  /** The shares; undefined before enough was measured. */
  get shares(): TimeShares | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const spanMs = last.atMs - first.atMs;
    if (spanMs < WARM_UP_MS) return undefined;
    const engine = Math.min(1, (last.busyMs - first.busyMs) / spanMs);
    const shareOf = (what: keyof WaitedMs) => ((last.waitedMs[what] - first.waitedMs[what]) / spanMs) * (1 - engine);
    const waited = WAITED_FOR.reduce((sum, what) => sum + shareOf(what), 0);
    return {
      seconds: spanMs / 1_000,
      sourceRead: shareOf('source'),
      engine,
      destinationWrite: shareOf('destination'),
      throttled: shareOf('throttle'),
      memory: shareOf('memory'),
      idle: Math.max(0, 1 - engine - waited),
    };
  }
}
