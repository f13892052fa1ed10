import { setTimeout as delay } from 'node:timers/promises';

/** Time as a dependency, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment in the past. Nobody can set it, so it is what durations and deadlines are measured by. */
  elapsed(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (it does not reject). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Aborts after `ms`: for what may take that long at most. */
  timeout(ms: number): AbortSignal;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  },
  timeout: (ms) => AbortSignal.timeout(ms),
};
