import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { assertLinked, assertLinkOpen, type Control, findAgent, type LinkedAgent } from '../control/index.ts';
import { bodyOf, isOnAccessList } from '../http/index.ts';
import { assertBody, leftOut, type Proof, proofHeaders, type ReplayGuard } from '../link/index.ts';
import { UserError, validate } from '../platform/index.ts';
import type { RefusedAttempts, Sender } from './refused-attempts.ts';
import { assertSigned } from './request-proof.ts';

/**
 * Reads the message of a request.
 * @param onRead  told which fields the schema left out
 * @throws UserError LINK_MESSAGE_INVALID, which names the field and quotes nothing of the body
 */
export function readMessage<T>(
  schema: z.ZodType<T>,
  request: FastifyRequest,
  onRead?: (leftOut: readonly string[]) => void,
): T {
  let value: unknown;
  try {
    value = JSON.parse(bodyOf(request).toString('utf8'));
  } catch {
    throw new UserError('LINK_MESSAGE_INVALID', ['it is not JSON']);
  }
  const result = validate(schema, value);
  if (result.success) {
    onRead?.(leftOut(value, result.data));
    return result.data;
  }
  const issue = result.error.issues[0];
  throw new UserError('LINK_MESSAGE_INVALID', [`${issue?.path.join('.') || 'the body'}: ${issue?.message}`]);
}

/** Authenticates the requests of linked agents before the server reads a byte of their bodies. */
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

  /** Hooks for routes of linked agents. */
  get route() {
    return this.#routeOf(assertLinked);
  }

  /** Hooks for the route on which an agent ends its link, also while it waits for approval. */
  get routeOfUnlinking() {
    return this.#routeOf(assertLinkOpen);
  }

  #routeOf(assertUsable: (linked: LinkedAgent) => void) {
    return {
      onRequest: async (request: FastifyRequest, reply: FastifyReply) =>
        await this.#authenticate(request, reply, assertUsable),
      preHandler: async (request: FastifyRequest, reply: FastifyReply) => await this.#checkBody(request, reply),
    };
  }

  /** The agent that sent a request on such a route. */
  senderOf(request: FastifyRequest): LinkedAgent {
    return this.#known(request).linked;
  }

  /**
   * Finds the agent that sent a request. The agent must be known, its signature valid, its link usable and its address allowed.
   * @throws UserError AGENT_UNKNOWN, AGENT_ADDRESS_REFUSED, REQUEST_REPLAYED, TOO_MANY_AGENT_REQUESTS, TOO_MANY_FAILED_ATTEMPTS, as
   *   {@link assertSigned}, and those of `assertUsable`
   */
  async #authenticate(
    request: FastifyRequest,
    reply: FastifyReply,
    assertUsable: (linked: LinkedAgent) => void,
  ): Promise<void> {
    const agentId = String(request.headers[proofHeaders.agent] ?? '');
    this.#refused.assertMayTry(request, reply, agentId);
    let linked: LinkedAgent | undefined;
    let proven = false;
    try {
      if (agentId === '') throw new UserError('PROOF_MISSING');
      linked = await findAgent(this.#control, agentId);
      const { publicKey } = linked.agent;
      const proof = assertSigned(this.#control, request, publicKey);
      proven = true;
      // rule: refuse-before-remembering
      assertUsable(linked);
      assertAddress(request, linked.link.accessListIps);
      // Must come last, so that a key whose link has ended, or that is used from elsewhere, takes no memory. A replay is refused all the same.
      this.#replays.admit(publicKey, proof, this.#control.clock.now());
      this.#senders.set(request, { linked, proof });
    } catch (error) {
      await this.#refused.note(error, request, reply, async () => senderOf(agentId, linked, proven));
      throw error;
    }
    this.#refused.succeeded(request, reply, agentId);
    request.authenticated = { pool: 'agents', holder: { organization: linked.agent.orgId, account: agentId } };
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

/** The sender for a security event. A request with a valid signature is from the agent, or a copy of one of its requests. */
function senderOf(agentId: string, linked: LinkedAgent | undefined, proven: boolean): Sender {
  const claim = { kind: 'AGENT', name: agentId } as const;
  const actor = linked && proven ? ({ kind: 'AGENT', name: linked.agent.host } as const) : undefined;
  return { claim, actor, orgId: linked?.agent.orgId };
}

/**
 * Refuses a peer whose address is not on the token's access list. Checked at redemption and at every request, because the destination's
 * owner may change the list. A header counts as the address only when a trusted proxy set it (see the server's `trustedProxies`).
 * @throws UserError AGENT_ADDRESS_REFUSED
 */
export function assertAddress(request: FastifyRequest, accessListIps: readonly string[]): void {
  if (!isOnAccessList(accessListIps, request.ip)) throw new UserError('AGENT_ADDRESS_REFUSED', [request.ip]);
}
