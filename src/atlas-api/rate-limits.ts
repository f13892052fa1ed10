import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, Control } from '../control/index.ts';
import { type BucketSize, pathOf, TokenBuckets } from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** Requests that share buckets: one for each value of their scope. */
interface LimitSet {
  readonly name: string;
  /** After the prefix; the routes of the set. */
  readonly route: RegExp;
  readonly size: BucketSize;
  /** What has a bucket of its own within the caller's organization. */
  readonly scope: (request: FastifyRequest, actor: Actor, store: Control['store']) => string | Promise<string>;
}

/** Projects that are not the caller's share one bucket: made-up ones would fill the memory, and push out the buckets of true ones. */
async function groupOf(request: FastifyRequest, { orgId }: Actor, store: Control['store']): Promise<string> {
  const groupId = String(Reflect.get(Object(request.params), 'groupId'));
  const group = await store.group(groupId);
  return group?.orgId === orgId ? groupId : '';
}

/**
 * Capacities and refills of Atlas's documentation (contract §4.7), first match. It publishes none for lists of organizations beyond the
 * capacity, nor for what has no set of its own.
 */
const SETS: readonly LimitSet[] = [
  {
    name: 'liveMigrations',
    route: /^\/groups\/:groupId\/liveMigrations(\/|$)/,
    size: { capacity: 1200, refill: 500, periodSeconds: 60 },
    scope: groupOf,
  },
  {
    name: 'clusters',
    route: /^\/groups\/:groupId\/clusters(\/|$)/,
    size: { capacity: 10_000, refill: 5000, periodSeconds: 60 },
    scope: groupOf,
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
  readonly #store: Control['store'];

  constructor({ clock, store }: Control) {
    this.#buckets = new TokenBuckets(clock);
    this.#store = store;
  }

  /**
   * Counts a request and tells the client what is left.
   * @throws UserError RATE_LIMITED_TOKEN_BUCKET
   */
  async count(request: FastifyRequest, reply: FastifyReply, actor: Actor, prefix: string): Promise<void> {
    const route = (request.routeOptions.url ?? '').slice(prefix.length);
    const set = SETS.find(({ route: pattern }) => pattern.test(route));
    if (!set) return;
    const { capacity, refill, periodSeconds } = set.size;
    const key = JSON.stringify([set.name, actor.orgId, await set.scope(request, actor, this.#store)]);
    const { allowed, remaining, retryAfterSeconds } = this.#buckets.take(key, set.size);
    reply.headers({ 'ratelimit-limit': capacity, 'ratelimit-remaining': remaining });
    if (allowed) return;
    reply.header('retry-after', retryAfterSeconds);
    const parameters = [pathOf(request.url), retryAfterSeconds, capacity, refill, periodSeconds];
    throw new UserError('RATE_LIMITED_TOKEN_BUCKET', parameters.map(String));
  }
}
