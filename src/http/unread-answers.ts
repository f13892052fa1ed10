import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressGroup, type Exceeded, Shares } from '../platform/index.ts';
import { senderOf } from './senders.ts';

const MEBIBYTE = 1024 * 1024;
/** Memory for answers that their clients have not taken yet. */
const ANSWERS = {
  total: 96 * MEBIBYTE,
  each: { address: 24 * MEBIBYTE, account: 24 * MEBIBYTE, organization: 32 * MEBIBYTE },
};
/** Connections of clients that take no answer end after this time, and a second more for each 16 KiB of it. */
const TAKEN_WITHIN_MS = 20_000;
const LEAST_BYTES_PER_SECOND = 16 * 1024;

/**
 * Bounds the cost of clients that don't read their answers: memory for each client and for all, and time for each answer.
 */
export class UnreadAnswers {
  readonly #shares = new Shares(ANSWERS);

  /**
   * Counts an answer until its client has taken it, or its connection is closed.
   * @returns the limit that it would exceed; undefined when it is counted
   */
  hold(request: FastifyRequest, reply: FastifyReply, bytes: number): Exceeded | undefined {
    const holder = { ...senderOf(request).holder, address: addressGroup(request.ip) };
    const exceeded = this.#shares.take(holder, bytes);
    if (exceeded !== undefined) return exceeded;
    const withinMs = TAKEN_WITHIN_MS + (1_000 * bytes) / LEAST_BYTES_PER_SECOND;
    const deadline = setTimeout(() => request.raw.socket.destroy(), withinMs);
    reply.raw.once('close', () => {
      clearTimeout(deadline);
      this.#shares.release(holder, bytes);
    });
    return undefined;
  }
}
