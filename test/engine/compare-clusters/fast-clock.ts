import { type Clock, systemClock } from '../../../src/platform/index.ts';

const TIMES = 20;

/** A clock that goes 20 times as fast. Sleeps are real, or a loop would not let servers answer. */
export class FastClock implements Clock {
  readonly now = systemClock.now;
  readonly sleep = systemClock.sleep;
  readonly timeout = systemClock.timeout;

  elapsed(): number {
    return systemClock.elapsed() * TIMES;
  }
}
