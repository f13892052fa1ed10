import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressGroup, type Clock, UserError } from '../platform/index.ts';
import { TokenBuckets } from './token-buckets.ts';

/** How long a name counts as proven at an address after it worked there. */
const PROVEN_FOR_MS = 3_600_000;
/** How many pairs of name and address are stored as proven; the least recently used is removed first. */
const PROVEN_LIMIT = 10_000;
/** Longer names are cut to this length before they are counted. */
const NAME_LENGTH = 64;

/**
 * Limits failed attempts to authenticate, for each client address, and for each name at an address (public key, client id, agent id or
 * link-token id). An address over its budget gets 429 instead of each further refusal, but valid credentials still work. A name over its
 * budget at an address is refused there without a check, unless it worked from that address in the last hour. So clients that share an
 * address or an undeclared proxy with an attacker keep working.
 */
export class FailedAttempts {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #addresses: TokenBuckets;
  readonly #names: TokenBuckets;
  readonly #onUnchecked: (address: string) => void;
  /** When each name last worked at each address, in the order of last use. */
  readonly #proven = new Map<string, number>();

  /**
   * @param perMinute    failures allowed for an address; for a name at an address, half of it. `Infinity`: no limit
   * @param onUnchecked  called with the address of each attempt that is refused without a check
   */
  constructor(perMinute: number, clock: Clock, onUnchecked: (address: string) => void = () => undefined) {
    this.#onUnchecked = onUnchecked;
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#addresses = new TokenBuckets(clock);
    this.#names = new TokenBuckets(clock);
  }

  /**
   * Call this before credentials are checked.
   * @param name  the name that the client claims
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS; the reply then has Retry-After and closes the connection
   */
  assertMayTry(request: FastifyRequest, reply: FastifyReply, name: string): void {
    if (this.#perMinute === Number.POSITIVE_INFINITY) return;
    const key = nameAt(request.ip, name);
    const seconds = this.#names.secondsUntilAllowed(key, this.#sizeOf(this.#perMinute / 2));
    if (seconds === 0 || this.#isProven(key)) return;
    this.#onUnchecked(request.ip);
    this.#refuse(request, reply, seconds);
  }

  /**
   * Counts a failure.
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS when the address is over its budget, instead of the original refusal
   */
  failed(request: FastifyRequest, reply: FastifyReply, name: string): void {
    if (this.#perMinute === Number.POSITIVE_INFINITY) return;
    this.#names.take(nameAt(request.ip, name), this.#sizeOf(this.#perMinute / 2));
    const { allowed, retryAfterSeconds } = this.#addresses.take(
      addressGroup(request.ip),
      this.#sizeOf(this.#perMinute),
    );
    if (!allowed) this.#refuse(request, reply, retryAfterSeconds);
  }

  /**
   * Counts a refusal of credentials that are right, but can't be used any more or yet. Counts it for the name alone: the attempts of one such
   * client must not hide from other clients at its address why they are refused.
   */
  unusable(request: FastifyRequest, name: string): void {
    // rule: count-refused-agents
    if (this.#perMinute === Number.POSITIVE_INFINITY) return;
    this.#names.take(nameAt(request.ip, name), this.#sizeOf(this.#perMinute / 2));
  }

  /**
   * Records that a name worked from the address of a request.
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS as {@link assertMayTry}: of many parallel guesses, even correct ones fail beyond the budget
   */
  succeeded(request: FastifyRequest, reply: FastifyReply, name: string): void {
    if (this.#perMinute === Number.POSITIVE_INFINITY) return;
    this.assertMayTry(request, reply, name);
    const key = nameAt(request.ip, name);
    this.#proven.delete(key);
    this.#proven.set(key, this.#clock.now());
    const [longestUnused] = this.#proven.keys();
    if (this.#proven.size > PROVEN_LIMIT && longestUnused !== undefined) this.#proven.delete(longestUnused);
  }

  #sizeOf(perMinute: number) {
    const failures = Math.max(1, Math.floor(perMinute));
    return { capacity: failures, refill: failures, periodSeconds: 60 };
  }

  #isProven(key: string): boolean {
    const atMs = this.#proven.get(key);
    return atMs !== undefined && this.#clock.now() - atMs < PROVEN_FOR_MS;
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, seconds: number): never {
    reply.headers({ 'retry-after': seconds, connection: 'close' });
    throw new UserError('TOO_MANY_FAILED_ATTEMPTS', [request.ip, String(seconds)]);
  }
}

function nameAt(address: string, name: string): string {
  return `${addressGroup(address)} ${name.slice(0, NAME_LENGTH)}`;
}
