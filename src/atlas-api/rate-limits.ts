import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, Control } from '../control/index.ts';
import { type BucketSize, pathOf, TokenBuckets } from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** A group of routes with the same limit. Each value of the scope has its own bucket. */
interface LimitSet {
  readonly name: string;
  /** Matches the set's routes, without the prefix. */
  readonly route: RegExp;
  readonly size: BucketSize;
  /** Returns the key of the bucket within the caller's organization. */
  readonly scope: (request: FastifyRequest, actor: Actor, store: Control['store']) => string | Promise<string>;
}

/** The project of a request. All foreign projects share one bucket: invented ids would otherwise fill the memory and remove real buckets. */
async function groupOf(request: FastifyRequest, { orgId }: Actor, store: Control['store']): Promise<string> {
  const groupId = String(Reflect.get(Object(request.params), 'groupId'));
  const group = await store.get('groups', groupId);
  return group?.orgId === orgId ? groupId : '';
}

/**
 * Capacities and refills of Atlas's documentation (docs/reference/atlas-contract.md); the first match applies. Atlas publishes no refill
 * for the list of organizations, and no limit for routes outside of its sets.
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

/** Changes of a migration for which polling has left no room. Atlas has no such reserve. */
const CHANGE = /^\/groups\/:groupId\/liveMigrations\/:liveMigrationId\//;
const RESERVE: BucketSize = { capacity: 60, refill: 60, periodSeconds: 60 };

/**
 * Atlas's rate limits, counted separately for each organization. The caller's organization counts, not the one in the path, so that no
 * caller can use up another organization's limit.
 */
export class RateLimits {
  readonly #buckets: TokenBuckets;
  readonly #store: Control['store'];

  constructor({ clock, store }: Control) {
    this.#buckets = new TokenBuckets(clock);
    this.#store = store;
  }

  /**
   * Counts a request and sets the headers with the remaining limit.
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
    // rule: reserve-for-changes
    const isChange = request.method !== 'GET' && CHANGE.test(route);
    if (isChange && this.#buckets.take(`${key} changes`, RESERVE).allowed) return;
    reply.header('retry-after', retryAfterSeconds);
    const parameters = [pathOf(request.url), retryAfterSeconds, capacity, refill, periodSeconds];
    throw new UserError('RATE_LIMITED_TOKEN_BUCKET', parameters.map(String));
  }
}
