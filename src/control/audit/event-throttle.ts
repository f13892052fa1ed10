import { addressGroup, type Clock } from '../../platform/index.ts';

/** How many addresses a summary lists at most. */
const NAMED_ADDRESSES = 10;

interface ThrottleLimits {
  readonly windowMs: number;
  /** How many events of one key pass in a window. */
  readonly perKey: number;
  /** How many keys of a type get their own count in a window, to limit memory and the events that pass. Events of further keys are left out. */
  readonly keys: number;
}

/** The events of one key that were left out in a window. */
export interface LeftOut {
  /** Empty for all keys without their own count. */
  readonly key: string;
  readonly type: string;
  readonly count: number;
  /** The first ten client addresses, or IPv6 blocks, of these events. */
  readonly addresses: readonly string[];
}

interface Count {
  readonly key: string;
  readonly type: string;
  passed: number;
  leftOut: number;
  readonly addresses: Set<string>;
}

/** Lets a limited number of events pass in each time window, and counts the others. */
export class EventThrottle {
  readonly #limits: ThrottleLimits;
  readonly #clock: Clock;
  #beganAtMs: number;
  #counts = new Map<string, Count>();
  readonly #ownCounts = new Map<string, number>();

  constructor(limits: ThrottleLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#beganAtMs = clock.elapsed();
  }

  /** Whether the window is over, so that {@link drain} is due. */
  get isOver(): boolean {
    return this.#clock.elapsed() - this.#beganAtMs >= this.#limits.windowMs;
  }

  /** Returns whether an event passes, and counts it. @param key  has its own count within its type */
  admit(type: string, key: string, address: string): boolean {
    const count = this.#countOf(type, key);
    const passes = count.key !== '' && count.passed < this.#limits.perKey;
    if (passes) {
      count.passed += 1;
      return true;
    }
    count.leftOut += 1;
    if (count.addresses.size < NAMED_ADDRESSES) count.addresses.add(addressGroup(address));
    return false;
  }

  /** Starts the next window. @returns the events left out of the last one */
  drain(): LeftOut[] {
    const counts = [...this.#counts.values()].filter(({ leftOut }) => leftOut > 0);
    this.#counts = new Map();
    this.#ownCounts.clear();
    this.#beganAtMs = this.#clock.elapsed();
    return counts.map(({ key, type, leftOut, addresses }) => ({
      key,
      type,
      count: leftOut,
      addresses: [...addresses],
    }));
  }

  #countOf(type: string, key: string): Count {
    const own = this.#counts.get(`${type} ${key}`);
    if (own) return own;
    const ownCounts = this.#ownCounts.get(type) ?? 0;
    const hasOwn = ownCounts < this.#limits.keys;
    const kept = hasOwn ? key : '';
    const known = this.#counts.get(`${type} ${kept}`);
    if (known) return known;
    if (hasOwn) this.#ownCounts.set(type, ownCounts + 1);
    const count = { key: kept, type, passed: 0, leftOut: 0, addresses: new Set<string>() };
    this.#counts.set(`${type} ${kept}`, count);
    return count;
  }
}
