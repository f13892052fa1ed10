import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../platform/index.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Milliseconds of processor time of one organization, whatever else the machine does: a second at once, then a quarter of each second. */
const SIZE = { capacity: 1_000, refill: 250, periodSeconds: 1 };

/** After work that takes longer, the next one waits for as long. */
const LONG_MS = 5;

/**
 * The time of the event loop that work for each organization takes. While it works for one, the server answers no other. So
 * work whose size clients choose is postponed for the organization whose time is used up.
 */
export class LoopTime {
  readonly #buckets: TokenBuckets;
  /** The end of the work that was asked for last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#buckets = new TokenBuckets(clock);
  }

  /** Whether the organization's time is used up. */
  isUsedUp(organization: string): boolean {
    return this.#buckets.secondsUntilAllowed(organization, SIZE) > 0;
  }

  /** Does work that waits for no other task, and counts its time. Between one work and the next the server answers other requests. */
  async spend<Result>(organization: string, work: () => Result | Promise<Result>): Promise<Result> {
    let beganAt = 0;
    const done = this.#last.then(() => {
      beganAt = performance.now();
      return this.#count(organization, work);
    });
    // An answer takes several turns of the event loop, and a long work may come in each.
    const answerOthers = () => {
      const tookMs = performance.now() - beganAt;
      return tookMs > LONG_MS ? delay(tookMs) : turn();
    };
    this.#last = done.then(answerOthers, answerOthers);
    return await done;
  }

  async #count<Result>(organization: string, work: () => Result | Promise<Result>): Promise<Result> {
    const before = process.threadCpuUsage();
    try {
      return await work();
    } finally {
      const { user, system } = process.threadCpuUsage(before);
      this.#buckets.spend(organization, SIZE, (user + system) / 1_000);
    }
  }
}
