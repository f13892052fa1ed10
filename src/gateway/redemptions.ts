import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Control, redeemLinkToken } from '../control/index.ts';
import { type LinkToken, parseLinkToken, type RedeemResponse, type redeemRequest } from '../link/index.ts';
import type { RefusedAttempts } from './refused-attempts.ts';
import { assertAddress, assertSigned } from './signed-request.ts';

/** The call with which an agent that is not linked yet redeems its link-token. */
export class Redemptions {
  readonly #control: Control;
  readonly #refused: RefusedAttempts;

  constructor(control: Control, refused: RefusedAttempts) {
    this.#control = control;
    this.#refused = refused;
  }

  /** @throws UserError TOO_MANY_FAILED_ATTEMPTS, and as `parseLinkToken`, {@link assertSigned} and `redeemLinkToken` */
  async redeem(
    { token: text, publicKey, host, version }: z.output<typeof redeemRequest>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<RedeemResponse> {
    let token: LinkToken | undefined;
    try {
      token = parseLinkToken(text);
      this.#refused.assertMayTry(request, reply, token.id);
      // A copy of it is answered as the first one was, so it need not be remembered.
      assertSigned(this.#control, request, publicKey);
      return await redeemLinkToken(this.#control, {
        token,
        publicKey,
        host,
        version,
        remoteAddress: request.ip,
        checkAddress: (accessListIps) => assertAddress(request, accessListIps),
      });
    } catch (error) {
      await this.#refused.note(error, request, reply, async () => ({
        claim: { kind: 'link-token', name: token?.id ?? '' },
        orgId: token && (await this.#control.store.linkToken(token.id))?.orgId,
      }));
      throw error;
    }
  }
}
