import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/index.ts';
import { type BucketSize, TokenBuckets } from './token-buckets.ts';

/** How many refusals an organization gets at once. */
const AT_ONCE: BucketSize = { capacity: 100, refill: 20, periodSeconds: 1 };
const HELD_MS = 1_000;

/**
 * Holds the refusals of an organization that repeats refused requests without a pause, because they would fill a core. Its
 * connections then wait for one answer each.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #buckets: TokenBuckets;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#buckets = new TokenBuckets(clock);
  }

  /**
   * Resolves when an answer may be sent; undefined for at once. Answers to unauthenticated clients, which have limits of their
   * own, always may.
   */
  hold({ authenticated }: FastifyRequest, { statusCode }: FastifyReply): Promise<void> | undefined {
    const { organization } = authenticated?.holder ?? {};
    if (statusCode < 400 || organization === undefined) return undefined;
    // rule: refusals-in-a-loop-wait
    if (!this.#buckets.take(organization, AT_ONCE).allowed) return this.#clock.sleep(HELD_MS);
    return undefined;
  }
}
