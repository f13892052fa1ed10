import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressGroup, isInBlocks, UserError } from '../platform/index.ts';

/**
 * Counts the unanswered requests of each client behind a trusted proxy, because its connections cannot be counted there.
 * {@link OpenConnections} limits clients that connect directly.
 */
export class RequestsInFlight {
  readonly #limit: number;
  readonly #trustedProxies: readonly string[];
  readonly #open = new Map<string, number>();

  /** @param limit  parallel requests of one client: an IPv4 address or an IPv6 /64 block */
  constructor(limit: number, trustedProxies: readonly string[]) {
    this.#limit = limit;
    this.#trustedProxies = trustedProxies;
  }

  /** Counts a request until its answer is sent or its connection closes. @throws UserError TOO_MANY_OPEN_REQUESTS */
  count(request: FastifyRequest, reply: FastifyReply): void {
    if (!isInBlocks(this.#trustedProxies, request.raw.socket.remoteAddress ?? '')) return;
    const group = addressGroup(request.ip);
    const open = this.#open.get(group) ?? 0;
    if (open >= this.#limit) throw new UserError('TOO_MANY_OPEN_REQUESTS', [request.ip]);
    this.#open.set(group, open + 1);
    reply.raw.once('close', () => {
      const left = (this.#open.get(group) ?? 0) - 1;
      if (left > 0) this.#open.set(group, left);
      else this.#open.delete(group);
    });
  }
}
