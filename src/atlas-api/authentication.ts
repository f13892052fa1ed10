import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Account,
  type Actor,
  type Control,
  claimedClientId,
  findAccount,
  findTokenAccount,
  requiresAccessList,
  type SecurityEvent,
} from '../control/index.ts';
import {
  CHALLENGE_BODY,
  type DigestAlgorithm,
  DigestAuthenticator,
  type FailedAttempts,
  isOnAccessList,
  sendTextsAsTheyAre,
} from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** Authenticates requests: HTTP digest of an API key, or the access token of a service account. */
export class Authentication {
  readonly #control: Control;
  readonly #failed: FailedAttempts;
  readonly #digest: DigestAuthenticator<NonNullable<Awaited<ReturnType<typeof findAccount>>>>;

  constructor(control: Control, failed: FailedAttempts, algorithms: readonly DigestAlgorithm[]) {
    this.#control = control;
    this.#failed = failed;
    this.#digest = new DigestAuthenticator({
      nonceKey: control.sealer.deriveKey('digest nonces'),
      find: (publicKey) => findAccount(control, publicKey),
      clock: control.clock,
      algorithms,
    });
  }

  /**
   * Authenticates a request before its body is read. Without valid credentials, it sends the challenge.
   * @returns undefined if it sent the challenge
   * @throws UserError IP_ADDRESS_NOT_ON_ACCESS_LIST, RESOURCE_REQUIRES_ACCESS_LIST, TOO_MANY_FAILED_ATTEMPTS
   */
  async actorOf(request: FastifyRequest, reply: FastifyReply): Promise<Actor | undefined> {
    const [, bearer] = /^bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const account =
      bearer === undefined
        ? await this.#digestAccount(request, reply)
        : await this.#tokenAccount(request, reply, bearer);
    if (!account) return undefined;
    const { actor } = account;
    const refusal = await this.#whyRefusedFrom(account, request.ip);
    if (refusal) {
      const type = actor.kind === 'api key' ? 'API_KEY_ADDRESS_REFUSED' : 'SERVICE_ACCOUNT_ADDRESS_REFUSED';
      this.#note(request, { type, reason: refusal.code, actor, orgId: actor.orgId });
      this.#failed.failed(request, reply, actor.name);
      throw refusal;
    }
    this.#failed.succeeded(request, reply, actor.name);
    return { ...actor, remoteAddress: request.ip };
  }

  /** Sends the challenge. @param stale  whether the credentials were valid and only the nonce was too old */
  challenge(reply: FastifyReply, stale: boolean): void {
    reply.code(401).header('content-type', 'application/json');
    reply.header('www-authenticate', this.#digest.challenges(stale));
    void sendTextsAsTheyAre(reply).send(CHALLENGE_BODY);
  }

  async #digestAccount(request: FastifyRequest, reply: FastifyReply): Promise<Account | undefined> {
    const { method, originalUrl, headers } = request;
    const outcome = await this.#digest.authenticate(method, originalUrl, headers.authorization, (username) =>
      this.#failed.assertMayTry(request, reply, username),
    );
    if ('account' in outcome) return outcome.account;
    if (outcome.stale) {
      const actor = outcome.replayed?.actor;
      // A replayed request gets a new nonce, because its client may only have lost the connection.
      if (actor) {
        this.#note(request, { type: 'API_REQUEST_REPLAYED', reason: 'nonce count used', actor, orgId: actor.orgId });
      }
    } else {
      const { username: name, claimed } = outcome;
      const claim = { kind: 'api key', name } as const;
      const orgId = claimed?.actor.orgId;
      this.#note(request, { type: 'API_KEY_AUTHENTICATION_FAILED', reason: 'wrong credentials', claim, orgId });
      this.#failed.failed(request, reply, name);
    }
    this.challenge(reply, outcome.stale);
    return undefined;
  }

  async #tokenAccount(request: FastifyRequest, reply: FastifyReply, token: string): Promise<Account | undefined> {
    const name = claimedClientId(token);
    this.#failed.assertMayTry(request, reply, name);
    const outcome = await findTokenAccount(this.#control, token);
    if ('account' in outcome) return outcome.account;
    if (outcome.refused !== 'expired') {
      const orgId = (await this.#control.store.serviceAccount(name))?.orgId;
      const claim = { kind: 'service account', name } as const;
      const reason = outcome.refused === 'ended' ? 'revoked access token' : 'wrong access token';
      this.#note(request, { type: 'SERVICE_ACCOUNT_AUTHENTICATION_FAILED', reason, claim, orgId });
      this.#failed.failed(request, reply, name);
    }
    this.challenge(reply, false);
    return undefined;
  }

  async #whyRefusedFrom({ actor, accessList }: Account, address: string): Promise<UserError | undefined> {
    if (accessList.length === 0 && (await requiresAccessList(this.#control, actor.orgId))) {
      return new UserError('RESOURCE_REQUIRES_ACCESS_LIST', [address]);
    }
    const allowed = accessList.map((entry) => entry.address);
    return isOnAccessList(allowed, address) ? undefined : new UserError('IP_ADDRESS_NOT_ON_ACCESS_LIST', [address]);
  }

  #note(request: FastifyRequest, event: Omit<SecurityEvent, 'address'>): void {
    this.#control.security.note({ ...event, address: request.ip });
  }
}
