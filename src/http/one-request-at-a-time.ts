import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { UserError } from '../platform/index.ts';

const latest = new WeakMap<Socket, ServerResponse>();

/**
 * Refuses a request that comes before the answer to the one before it on its connection. No client of Linkspan does that, and
 * one that reads no answers could make the server hold thousands. An answer that is written counts, wherever it is on its way:
 * a client that has it may be faster than the event that says so.
 * @throws UserError PIPELINED_REQUEST
 */
export function refusePipelined({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
  const before = latest.get(socket);
  latest.set(socket, reply.raw);
  if (before === undefined || before.writableEnded) return;
  reply.header('connection', 'close');
  throw new UserError('PIPELINED_REQUEST');
}
