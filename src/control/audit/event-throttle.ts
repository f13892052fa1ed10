import { addressGroup, type Clock } from '../../platform/index.ts';

/** How many addresses a summary names. */
const NAMED_ADDRESSES = 10;

interface ThrottleLimits {
  readonly windowMs: number;
  /** Events of one key that pass in a window. */
  readonly perKey: number;
  /** How many keys of a type have a count of their own in a window, to bound memory and what passes. Events of further keys are left out. */
  readonly keys: number;
}

/** Counts what was left out for one key in a window. */
export interface LeftOut {
  /** Empty: of all keys that had no count of their own. */
  readonly key: string;
  readonly type: string;
  readonly count: number;
  /** The first ten client addresses, or IPv6 blocks, that it came from. */
  readonly addresses: readonly string[];
}

interface Count {
  readonly key: string;
  readonly type: string;
  passed: number;
  leftOut: number;
  readonly addresses: Set<string>;
}

/** Lets a bounded number of events pass in each window of time, and counts the others. */
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

  /** Whether the window is over: {@link drain} is due. */
  get isOver(): boolean {
    return this.#clock.elapsed() - this.#beganAtMs >= this.#limits.windowMs;
  }

  /** Whether an event passes; counts it where it does not. @param key  counted apart, within its type */
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

  /** Begins the next window. @returns what was left out of the one before */
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
