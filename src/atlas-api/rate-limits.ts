import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../control/index.ts';
import { type BucketSize, pathOf, TokenBuckets } from '../http/index.ts';
import { type Clock, UserError } from '../platform/index.ts';

/** Requests that share buckets: one for each value of their scope. */
interface LimitSet {
  readonly name: string;
  /** After the prefix; the routes of the set. */
  readonly route: RegExp;
  readonly size: BucketSize;
  /** What has a bucket of its own within the caller's organization. */
  readonly scope: (request: FastifyRequest, actor: Actor) => string;
}

const groupIdOf = (request: FastifyRequest) => String(Reflect.get(Object(request.params), 'groupId'));

/**
 * Capacities and refills of Atlas's documentation (contract §4.7), first match. It publishes none for lists of organizations beyond the
 * capacity, nor for what has no set of its own.
 */
const SETS: readonly LimitSet[] = [
  {
    name: 'liveMigrations',
    route: /^\/groups\/:groupId\/liveMigrations(\/|$)/,
    size: { capacity: 1200, refill: 500, periodSeconds: 60 },
    scope: groupIdOf,
  },
  {
    name: 'clusters',
    route: /^\/groups\/:groupId\/clusters(\/|$)/,
    size: { capacity: 10_000, refill: 5000, periodSeconds: 60 },
    scope: groupIdOf,
  },
  {
    name: 'listOrgs',
    route: /^\/orgs$/,
    size: { capacity: 300, refill: 150, periodSeconds: 60 },
    scope: (_request, actor) => actor.name,
  },
  {
    name: 'organization',
    route: /^/,
    size: { capacity: 500, refill: 250, periodSeconds: 60 },
    scope: () => '',
  },
];

/**
 * Atlas's rate limits. They are counted for each organization apart, by the caller's own and not the one in the path: nobody can use
 * up what is another's.
 */
export class RateLimits {
  readonly #buckets: TokenBuckets;

  constructor(clock: Clock) {
    this.#buckets = new TokenBuckets(clock);
  }

  /**
   * Counts a request and tells the client what is left.
   * @throws UserError RATE_LIMITED_TOKEN_BUCKET
   */
  count(request: FastifyRequest, reply: FastifyReply, actor: Actor, prefix: string): void {
    const route = (request.routeOptions.url ?? '').slice(prefix.length);
    const set = SETS.find(({ route: pattern }) => pattern.test(route));
    if (!set) return;
    const { capacity, refill, periodSeconds } = set.size;
    const key = JSON.stringify([set.name, actor.orgId, set.scope(request, actor)]);
    const { allowed, remaining, retryAfterSeconds } = this.#buckets.take(key, set.size);
    reply.headers({ 'ratelimit-limit': capacity, 'ratelimit-remaining': remaining });
    if (allowed) return;
    reply.header('retry-after', retryAfterSeconds);
    const parameters = [pathOf(request.url), retryAfterSeconds, capacity, refill, periodSeconds];
    throw new UserError('RATE_LIMITED_TOKEN_BUCKET', parameters.map(String));
  }
}
