import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressGroup, type Clock, UserError } from '../platform/index.ts';
import { TokenBuckets } from './token-buckets.ts';

/** How long a name that worked from an address is trusted to be in use there. */
const PROVEN_FOR_MS = 3_600_000;
/** How many names at addresses are remembered as proven; the longest unused is forgotten first. */
const PROVEN_LIMIT = 10_000;
/** Longer names are counted by their beginning. */
const NAME_LENGTH = 64;

/**
 * Bounds failed attempts to authenticate, for each client address and for each name (public key, client id, agent or link-token id) at an
 * address. An address that is over its budget is answered 429 in place of each further refusal, but right credentials still work. A name that is over
 * its budget at an address is refused there unchecked, unless it has worked from that address within the hour: whoever shares the address of an
 * attacker, or an undeclared proxy with one, keeps working.
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
   * @param perMinute    failures of one address; of one name there half as many. `Infinity`: no limit
   * @param onUnchecked  is told the address of each attempt that was refused unchecked
   */
  constructor(perMinute: number, clock: Clock, onUnchecked: (address: string) => void = () => undefined) {
    this.#onUnchecked = onUnchecked;
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#addresses = new TokenBuckets(clock);
    this.#names = new TokenBuckets(clock);
  }

  /**
   * To be asked before credentials are checked.
   * @param name  what the client says who it is
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
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS where the address is over its budget, in place of the refusal that is due
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
   * Remembers that a name has worked from the address of a request.
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS as {@link assertMayTry}: of many guesses sent at once, those beyond the budget fail though right
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
