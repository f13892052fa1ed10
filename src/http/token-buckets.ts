import type { Clock } from '../platform/index.ts';

/** How many requests a scope may make: in a burst, and on average. */
export interface BucketSize {
  readonly capacity: number;
  /** Requests added in each period. */
  readonly refill: number;
  readonly periodSeconds: number;
}

export interface Withdrawal {
  readonly allowed: boolean;
  /** Whole requests left. */
  readonly remaining: number;
  /** Seconds until the next request is allowed; 0 when it is allowed now. */
  readonly retryAfterSeconds: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Token buckets by key, refilled continuously. A clock that goes backwards neither adds nor removes tokens. */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #limit: number;
  /** Buckets in the order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param limit  how many buckets to keep, to limit memory. The least recently used is removed first, and so is full again */
  constructor(clock: Clock, limit = 10_000) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Takes one request from the bucket of a key, if one is left. */
  take(key: string, size: BucketSize): Withdrawal {
    const filled = this.#filled(key, size);
    const allowed = filled >= 1;
    const tokens = allowed ? filled - 1 : filled;
    this.#keep(key, { tokens, atMs: this.#clock.now() });
    return { allowed, remaining: Math.floor(tokens), retryAfterSeconds: secondsUntilOne(tokens, size) };
  }

  /** Takes any amount, also more than is left. */
  spend(key: string, size: BucketSize, amount: number): void {
    this.#keep(key, { tokens: this.#filled(key, size) - amount, atMs: this.#clock.now() });
  }

  /** Seconds until the bucket of a key has a request, without taking one; 0 when it has one now. */
  secondsUntilAllowed(key: string, size: BucketSize): number {
    return secondsUntilOne(this.#filled(key, size), size);
  }

  #filled(key: string, { capacity, refill, periodSeconds }: BucketSize): number {
    const nowMs = this.#clock.now();
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: capacity, atMs: nowMs };
    return Math.min(capacity, tokens + (Math.max(0, nowMs - atMs) * refill) / (periodSeconds * 1000));
  }

  #keep(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [longestUnused] = this.#buckets.keys();
    if (this.#buckets.size > this.#limit && longestUnused !== undefined) this.#buckets.delete(longestUnused);
  }
}

function secondsUntilOne(tokens: number, { refill, periodSeconds }: BucketSize): number {
  return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * periodSeconds) / refill);
}
