import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Claim, Control, SecurityEvent, SecurityEventType } from '../control/index.ts';
import type { FailedAttempts } from '../http/index.ts';
import { type ErrorCode, UserError } from '../platform/index.ts';

/** The refusals that are security events. */
const TYPES: Partial<Record<ErrorCode, SecurityEventType>> = {
  LINK_TOKEN_MALFORMED: 'LINK_TOKEN_REFUSED',
  LINK_TOKEN_CHECKSUM: 'LINK_TOKEN_REFUSED',
  LINK_TOKEN_UNKNOWN: 'LINK_TOKEN_REFUSED',
  LINK_TOKEN_USED: 'LINK_TOKEN_REFUSED',
  LINK_TOKEN_EXPIRED: 'LINK_TOKEN_REFUSED',
  LINK_TOKEN_FOR_ANOTHER_HOST: 'LINK_TOKEN_REFUSED',
  AGENT_UNKNOWN: 'AGENT_AUTHENTICATION_FAILED',
  PROOF_MISSING: 'AGENT_AUTHENTICATION_FAILED',
  PROOF_WRONG: 'AGENT_AUTHENTICATION_FAILED',
  PROOF_FOR_ANOTHER: 'AGENT_AUTHENTICATION_FAILED',
  CLOCK_SKEW: 'AGENT_AUTHENTICATION_FAILED',
  AGENT_ADDRESS_REFUSED: 'AGENT_ADDRESS_REFUSED',
  REQUEST_REPLAYED: 'AGENT_REQUEST_REPLAYED',
  TOO_MANY_AGENT_REQUESTS: 'AGENT_REQUESTS_LIMITED',
};

/**
 * Refusals of agents with a valid signature. They are no events, because every agent whose link ends gets one. An agent that waits for
 * approval gets them for as long as an owner needs.
 */
const UNUSABLE: readonly ErrorCode[] = ['LINK_DELETED', 'LINK_REVOKED', 'AGENT_SUPERSEDED', 'AGENT_PENDING_APPROVAL'];

/** The known or claimed sender of a refused request. */
export type Sender = Pick<SecurityEvent, 'actor' | 'orgId'> & { readonly claim: Claim };

/** Counts the refused attempts of the agents' API, and records them as security events. */
export class RefusedAttempts {
  readonly #control: Control;
  readonly #failed: FailedAttempts;

  constructor(control: Control, failed: FailedAttempts) {
    this.#control = control;
    this.#failed = failed;
  }

  /** @param name  the name that the client claims @throws UserError TOO_MANY_FAILED_ATTEMPTS */
  assertMayTry(request: FastifyRequest, reply: FastifyReply, name: string): void {
    this.#failed.assertMayTry(request, reply, name);
  }

  /** @throws UserError TOO_MANY_FAILED_ATTEMPTS */
  succeeded(request: FastifyRequest, reply: FastifyReply, name: string): void {
    this.#failed.succeeded(request, reply, name);
  }

  /**
   * Records a refusal. Call this with the error before it is thrown.
   * @param senderOf  called only for refusals that count
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS, which replaces `error` in the answer
   */
  async note(
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    senderOf: () => Promise<Sender>,
  ): Promise<void> {
    if (!(error instanceof UserError)) return;
    if (UNUSABLE.includes(error.code)) return this.#failed.unusable(request, (await senderOf()).claim.name);
    const type = TYPES[error.code];
    if (type === undefined) return;
    const sender = await senderOf();
    this.#control.security.note({ type, address: request.ip, reason: error.code, ...sender });
    // The key is right. Its own agent must not use up the budget of its address because another client has the key.
    // rule: agent-limit-is-no-failure
    if (type !== 'AGENT_REQUESTS_LIMITED') this.#failed.failed(request, reply, sender.claim.name);
  }
}
