import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { assertLinked, type Control, findAgent, type LinkedAgent } from '../control/index.ts';
import { bodyOf, isOnAccessList } from '../http/index.ts';
import { assertBody, type Proof, parsePublicKey, proofHeaders, type ReplayGuard, verifyHead } from '../link/index.ts';
import { UserError } from '../platform/index.ts';
import type { RefusedAttempts, Sender } from './refused-attempts.ts';

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
 * Checks that a request was signed by the holder of a public key that its body names.
 * @throws UserError PROOF_MISSING, PROOF_WRONG, PROOF_FOR_ANOTHER, CLOCK_SKEW
 */
export function assertSigned(control: Control, request: FastifyRequest, publicKey: string): void {
  assertBody(proofOf(control, request, publicKey), bodyOf(request));
}

function proofOf({ serverKeys, clock }: Control, request: FastifyRequest, publicKey: string): Proof {
  const key = parsePublicKey(publicKey);
  if (!key) throw new UserError('PROOF_WRONG');
  const head = { method: request.method, target: request.originalUrl };
  return verifyHead(key, head, request.headers, { audiences: serverKeys.publicKeys, nowMs: clock.now() });
}

/** Requests of agents that are linked: who sent them is known before a byte of their bodies is read. */
export class AgentRequests {
  readonly #control: Control;
  readonly #replays: ReplayGuard;
  readonly #refused: RefusedAttempts;
  readonly #senders = new WeakMap<FastifyRequest, { readonly linked: LinkedAgent; readonly proof: Proof }>();

  constructor(control: Control, replays: ReplayGuard, refused: RefusedAttempts) {
    this.#control = control;
    this.#replays = replays;
    this.#refused = refused;
  }

  /** Hooks of a route that is for such requests. */
  get route() {
    return {
      onRequest: async (request: FastifyRequest, reply: FastifyReply) => await this.#authenticate(request, reply),
      preHandler: async (request: FastifyRequest, reply: FastifyReply) => await this.#checkBody(request, reply),
    };
  }

  /** The agent that sent a request on such a route. */
  senderOf(request: FastifyRequest): LinkedAgent {
    return this.#known(request).linked;
  }

  /**
   * Finds out which agent sent a request: known, proven, still linked, and at an address from which it may come.
   * @throws UserError AGENT_UNKNOWN, LINK_DELETED, AGENT_SUPERSEDED, AGENT_ADDRESS_REFUSED, REQUEST_REPLAYED, TOO_MANY_FAILED_ATTEMPTS, and as
   *   {@link assertSigned}
   */
  async #authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const agentId = String(request.headers[proofHeaders.agent] ?? '');
    this.#refused.assertMayTry(request, reply, agentId);
    let linked: LinkedAgent | undefined;
    let proven = false;
    try {
      if (agentId === '') throw new UserError('PROOF_MISSING');
      linked = await findAgent(this.#control, agentId);
      const { publicKey } = linked.agent;
      const proof = proofOf(this.#control, request, publicKey);
      proven = true;
      this.#replays.admit(publicKey, proof, this.#control.clock.now());
      assertLinked(linked);
      assertAddress(request, linked.link.accessListIps);
      this.#senders.set(request, { linked, proof });
    } catch (error) {
      await this.#refused.note(error, request, reply, async () => senderOf(agentId, linked, proven));
      throw error;
    }
    this.#refused.succeeded(request, reply, agentId);
    request.isSenderKnown = true;
  }

  async #checkBody(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { linked, proof } = this.#known(request);
    try {
      assertBody(proof, bodyOf(request));
    } catch (error) {
      await this.#refused.note(error, request, reply, async () => senderOf(linked.agent.id, linked, false));
      throw error;
    }
  }

  #known(request: FastifyRequest) {
    const known = this.#senders.get(request);
    if (!known) throw new Error('A handler was reached without authentication');
    return known;
  }
}

/** A request that is signed by the agent's key is the agent's, or a copy of one of its requests. */
function senderOf(agentId: string, linked: LinkedAgent | undefined, proven: boolean): Sender {
  const claim = { kind: 'agent', name: agentId } as const;
  const actor = linked && proven ? ({ kind: 'agent', name: linked.agent.host } as const) : undefined;
  return { claim, actor, orgId: linked?.agent.orgId };
}

/**
 * Refuses a peer that is not on a token's list: at redemption and at every request, as the list is the destination's to change.
 * What a header says of the address counts only where a trusted proxy wrote it (see the server's `trustedProxies`).
 * @throws UserError AGENT_ADDRESS_REFUSED
 */
export function assertAddress(request: FastifyRequest, accessListIps: readonly string[]): void {
  if (!isOnAccessList(accessListIps, request.ip)) throw new UserError('AGENT_ADDRESS_REFUSED', [request.ip]);
}
