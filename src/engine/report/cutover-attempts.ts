import { type Clock, counted, delayAfter } from '../../platform/index.ts';
import type { PutOff } from '../cutover/cut-over.ts';
import type { Wait } from '../mongodb/retry.ts';

const BETWEEN_ATTEMPTS = { firstMs: 5_000, longestMs: 5 * 60_000 };
/** Limits the share of time in which users' writes are stopped to one sixth, unless that exceeds the longest delay. */
const TIMES_STOPPED = 5;

/** The failed attempts of a cutover, and the time of the next one. */
export class CutoverAttempts {
  readonly #clock: Clock;
  #failed = 0;
  #stops = 0;
  #stoppedMs = 0;
  #last: { readonly reason: string; readonly sinceMs: number; readonly dueAtMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes a failed attempt. */
  add({ reason, stoppedMs }: PutOff): void {
    this.#failed += 1;
    if (stoppedMs > 0) this.#stops += 1;
    this.#stoppedMs += stoppedMs;
    const delayMs = Math.max(delayAfter(this.#failed, BETWEEN_ATTEMPTS), TIMES_STOPPED * stoppedMs);
    this.#last = {
      reason,
      sinceMs: this.#last?.sinceMs ?? this.#clock.now(),
      dueAtMs: this.#clock.elapsed() + Math.min(delayMs, BETWEEN_ATTEMPTS.longestMs),
    };
  }

  /** Forgets all attempts: the cutover is done, or nobody wants it any more. */
  clear(): void {
    this.#failed = 0;
    this.#stops = 0;
    this.#stoppedMs = 0;
    this.#last = undefined;
  }

  get isDue(): boolean {
    return this.#last === undefined || this.#clock.elapsed() >= this.#last.dueAtMs;
  }

  /** The wait for the next attempt; undefined before one has failed. */
  get wait(): Wait | undefined {
    if (this.#last === undefined) return undefined;
    const { reason, sinceMs } = this.#last;
    const stopped = `${this.#stops} of ${counted(this.#failed, 'attempt')} stopped users' writes, for ${(this.#stoppedMs / 1_000).toFixed(1)} s in total`;
    return { for: 'the next attempt to cut over', sinceMs, reason: `${reason} (${stopped})` };
  }
}
