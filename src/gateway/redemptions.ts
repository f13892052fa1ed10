import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Control, redeemLinkToken } from '../control/index.ts';
import { type LinkToken, parseLinkToken, type RedeemResponse, type redeemRequest } from '../link/index.ts';
import type { RefusedAttempts } from './refused-attempts.ts';
import { assertAddress, assertSigned } from './signed-request.ts';

/** Handles the calls with which unlinked agents redeem their link-tokens. */
export class Redemptions {
  readonly #control: Control;
  readonly #refused: RefusedAttempts;

  constructor(control: Control, refused: RefusedAttempts) {
    this.#control = control;
    this.#refused = refused;
  }

  /** Redeems a link-token. @throws UserError TOO_MANY_FAILED_ATTEMPTS, and as `parseLinkToken`, {@link assertSigned} and `redeemLinkToken` */
  async redeem(
    { token: text, publicKey, host, version }: z.output<typeof redeemRequest>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<RedeemResponse> {
    let token: LinkToken | undefined;
    try {
      token = parseLinkToken(text);
      this.#refused.assertMayTry(request, reply, token.id);
      // Redeeming is idempotent: a replayed request gets the first answer again, so the replay guard need not see it.
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
