import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { assertLinked, type Control, findAgent, type LinkedAgent } from '../control/index.ts';
import { bodyOf, isOnAccessList } from '../http/index.ts';
import { parsePublicKey, proofHeaders, type ReplayGuard, verifyRequest } from '../link/index.ts';
import { UserError } from '../platform/index.ts';

/** @throws UserError LINK_MESSAGE_INVALID, which names the field and repeats nothing of the body */
export function readMessage<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  let value: unknown;
  try {
    value = JSON.parse(bodyOf(request).toString('utf8'));
  } catch {
    throw new UserError('LINK_MESSAGE_INVALID', ['it is not JSON']);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError('LINK_MESSAGE_INVALID', [`${issue?.path.join('.') || 'the body'}: ${issue?.message}`]);
}

/**
 * Checks that a request was signed by the holder of a public key, and is no copy.
 * @throws UserError PROOF_MISSING, PROOF_WRONG, CLOCK_SKEW, REQUEST_REPLAYED
 */
export function assertSigned(request: FastifyRequest, publicKey: string, replays: ReplayGuard, nowMs: number): void {
  const key = parsePublicKey(publicKey);
  if (!key) throw new UserError('PROOF_WRONG');
  const parts = { method: request.method, target: request.originalUrl, body: bodyOf(request) };
  replays.admit(publicKey, verifyRequest(key, parts, request.headers, nowMs), nowMs);
}

/**
 * The agent that sent a request: known, proven, still linked, and at an address from which it may come.
 * @throws UserError AGENT_UNKNOWN, LINK_DELETED, AGENT_SUPERSEDED, AGENT_ADDRESS_REFUSED, and as {@link assertSigned}
 */
export async function authenticateAgent(
  control: Control,
  replays: ReplayGuard,
  request: FastifyRequest,
): Promise<LinkedAgent> {
  const agentId = request.headers[proofHeaders.agent];
  if (typeof agentId !== 'string') throw new UserError('PROOF_MISSING');
  const linked = await findAgent(control, agentId);
  assertSigned(request, linked.agent.publicKey, replays, control.clock.now());
  assertLinked(linked);
  assertAddress(request, linked.link.accessListIps);
  return linked;
}

/**
 * Refuses a peer that is not on a token's list: at redemption and at every request, as the list is the destination's to change.
 * What a header says of the address counts only where a trusted proxy wrote it (see the server's `trustedProxies`).
 * @throws UserError AGENT_ADDRESS_REFUSED
 */
export function assertAddress(request: FastifyRequest, accessListIps: readonly string[]): void {
  if (!isOnAccessList(accessListIps, request.ip)) throw new UserError('AGENT_ADDRESS_REFUSED', [request.ip]);
}
