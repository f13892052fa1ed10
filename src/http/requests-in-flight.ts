import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressGroup, isInBlocks, UserError } from '../platform/index.ts';

/**
 * Counts the unanswered requests of each client behind the trusted proxies, where its connections cannot be counted. A client that connects
 * itself is left to {@link OpenConnections}.
 */
export class RequestsInFlight {
  readonly #limit: number;
  readonly #trustedProxies: readonly string[];
  readonly #open = new Map<string, number>();

  /** @param limit  requests of one client address, or IPv6 block of 64 bits, at once */
  constructor(limit: number, trustedProxies: readonly string[]) {
    this.#limit = limit;
    this.#trustedProxies = trustedProxies;
  }

  /** Counts a request until its answer has gone out or its connection has closed. @throws UserError TOO_MANY_OPEN_REQUESTS */
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
