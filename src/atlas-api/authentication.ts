import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Account,
  type Actor,
  type Control,
  findAccount,
  findTokenAccount,
  requiresAccessList,
} from '../control/index.ts';
import {
  CHALLENGE_BODY,
  type DigestAlgorithm,
  DigestAuthenticator,
  isOnAccessList,
  sendTextsAsTheyAre,
} from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** Who sends a request: HTTP digest of an API key, or the access token of a service account. */
export class Authentication {
  readonly #control: Control;
  readonly #digest: DigestAuthenticator<NonNullable<Awaited<ReturnType<typeof findAccount>>>>;

  constructor(control: Control, algorithms: readonly DigestAlgorithm[]) {
    this.#control = control;
    this.#digest = new DigestAuthenticator({
      nonceKey: control.sealer.deriveKey('digest nonces'),
      find: (publicKey) => findAccount(control, publicKey),
      clock: control.clock,
      algorithms,
    });
  }

  /**
   * Finds out who asks, without the body. Nobody known is answered with the challenge.
   * @returns undefined where that answer was sent
   * @throws UserError IP_ADDRESS_NOT_ON_ACCESS_LIST, RESOURCE_REQUIRES_ACCESS_LIST
   */
  async actorOf(request: FastifyRequest, reply: FastifyReply): Promise<Actor | undefined> {
    const outcome = await this.#check(request);
    if ('stale' in outcome) {
      this.challenge(reply, outcome.stale);
      return undefined;
    }
    const { actor, accessList } = outcome.account;
    const remoteAddress = request.ip;
    if (accessList.length === 0 && (await requiresAccessList(this.#control, actor.orgId))) {
      throw new UserError('RESOURCE_REQUIRES_ACCESS_LIST', [remoteAddress]);
    }
    const allowed = accessList.map(({ address }) => address);
    if (!isOnAccessList(allowed, remoteAddress)) throw new UserError('IP_ADDRESS_NOT_ON_ACCESS_LIST', [remoteAddress]);
    return { ...actor, remoteAddress };
  }

  /** @param stale  whether the credentials were right and only the nonce was too old */
  challenge(reply: FastifyReply, stale: boolean): void {
    reply.code(401).header('content-type', 'application/json');
    reply.header('www-authenticate', this.#digest.challenges(stale));
    void sendTextsAsTheyAre(reply).send(CHALLENGE_BODY);
  }

  async #check(request: FastifyRequest): Promise<{ readonly account: Account } | { readonly stale: boolean }> {
    const { method, originalUrl, headers } = request;
    const [, bearer] = /^bearer\s+(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (bearer === undefined) return await this.#digest.authenticate(method, originalUrl, headers.authorization);
    const account = await findTokenAccount(this.#control, bearer);
    return account ? { account } : { stale: false };
  }
}
