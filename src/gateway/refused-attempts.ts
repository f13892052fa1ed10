import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Claim, Control, SecurityEvent, SecurityEventType } from '../control/index.ts';
import type { FailedAttempts } from '../http/index.ts';
import { type ErrorCode, UserError } from '../platform/index.ts';

/** The refusals that are security events. Others, such as a link that has ended, are of agents that have proved who they are. */
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
};

/** What is known of who sent a request that was refused. */
export type Sender = Pick<SecurityEvent, 'actor' | 'orgId'> & { readonly claim: Claim };

/** Counts what the agents' face refuses, and has it written down. */
export class RefusedAttempts {
  readonly #control: Control;
  readonly #failed: FailedAttempts;

  constructor(control: Control, failed: FailedAttempts) {
    this.#control = control;
    this.#failed = failed;
  }

  /** @param name  what the client says who it is @throws UserError TOO_MANY_FAILED_ATTEMPTS */
  assertMayTry(request: FastifyRequest, reply: FastifyReply, name: string): void {
    this.#failed.assertMayTry(request, reply, name);
  }

  /** @throws UserError TOO_MANY_FAILED_ATTEMPTS */
  succeeded(request: FastifyRequest, reply: FastifyReply, name: string): void {
    this.#failed.succeeded(request, reply, name);
  }

  /**
   * To be called with whatever refuses a request, before it is thrown.
   * @param senderOf  is asked only about what is a security event
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS, to be answered in place of `error`
   */
  async note(
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    senderOf: () => Promise<Sender>,
  ): Promise<void> {
    const type = error instanceof UserError ? TYPES[error.code] : undefined;
    if (type === undefined || !(error instanceof UserError)) return;
    const sender = await senderOf();
    this.#control.security.note({ type, address: request.ip, reason: error.code, ...sender });
    this.#failed.failed(request, reply, sender.claim.name);
  }
}
