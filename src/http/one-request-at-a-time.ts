import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { UserError } from '../platform/index.ts';

const unanswered = new WeakMap<Socket, number>();

/**
 * Refuses a request that comes before the answer to the one before it on its connection. No client of Linkspan does that, and
 * one that reads no answers could make the server hold thousands.
 * @throws UserError PIPELINED_REQUEST
 */
export function refusePipelined({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
  const before = unanswered.get(socket) ?? 0;
  unanswered.set(socket, before + 1);
  reply.raw.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
  if (before === 0) return;
  reply.header('connection', 'close');
  throw new UserError('PIPELINED_REQUEST');
}
