import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Control, redeemLinkToken } from '../control/index.ts';
import { type LinkToken, parseLinkToken, type RedeemResponse, redeemRequest } from '../link/index.ts';
import type { RefusedAttempts } from './refused-attempts.ts';
import { assertNamedBody, assertSigned } from './request-proof.ts';
import { assertAddress, readMessage } from './signed-request.ts';

/** Handles the calls with which unlinked agents redeem their link-tokens. */
export class Redemptions {
  readonly #control: Control;
  readonly #refused: RefusedAttempts;

  constructor(control: Control, refused: RefusedAttempts) {
    this.#control = control;
    this.#refused = refused;
  }

  /**
   * Redeems the link-token of a request.
   * @returns the answer, and the host that it linked
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS, and as {@link assertNamedBody}, {@link readMessage}, `parseLinkToken`, {@link assertSigned}
   *   and `redeemLinkToken`
   */
  async redeem(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ readonly answer: RedeemResponse; readonly host: string }> {
    let token: LinkToken | undefined;
    try {
      // rule: compare-redemption-body
      assertNamedBody(request);
      const { token: text, publicKey, host, version } = readMessage(redeemRequest, request);
      token = parseLinkToken(text);
      this.#refused.assertMayTry(request, reply, token.id);
      // Redeeming is idempotent: a replayed request gets the first answer again, so the replay guard need not see it.
      assertSigned(this.#control, request, publicKey);
      const answer = await redeemLinkToken(this.#control, {
        token,
        publicKey,
        host,
        version,
        remoteAddress: request.ip,
        checkAddress: (accessListIps) => assertAddress(request, accessListIps),
      });
      return { answer, host };
    } catch (error) {
      await this.#refused.note(error, request, reply, async () => ({
        claim: { kind: 'LINK_TOKEN', name: token?.id ?? '' },
        orgId: token && (await this.#control.store.get('linkTokens', token.id))?.orgId,
      }));
      throw error;
    }
  }
}
