import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Actor,
  accountNamed,
  actorOf,
  type Caller,
  CLIENT_ID_PATTERN,
  type Control,
  claimedClientId,
  findAccount,
  findTokenAccount,
  type SecurityEvent,
  type Sender,
  type Sessions,
  standingOf,
  whyRefusedFrom,
} from '../control/index.ts';
import {
  assertOwnOrigin,
  CHALLENGE_BODY,
  type DigestAlgorithm,
  DigestAuthenticator,
  type FailedAttempts,
  sendTextsAsTheyAre,
  sessionTokenOf,
} from '../http/index.ts';
import { UserError } from '../platform/index.ts';

const BEARER = /^bearer\s+(\S+)$/i;

/** Authenticates requests: HTTP digest of an API key, the access token of a service account, or a session of the console. */
export class Authentication {
  readonly #control: Control;
  readonly #failed: FailedAttempts;
  readonly #sessions: Sessions;
  readonly #digest: DigestAuthenticator<NonNullable<Awaited<ReturnType<typeof findAccount>>>>;

  constructor(control: Control, failed: FailedAttempts, sessions: Sessions, algorithms: readonly DigestAlgorithm[]) {
    this.#control = control;
    this.#sessions = sessions;
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
   * @throws UserError SESSION_ENDED, FOREIGN_ORIGIN, and as {@link admit}
   */
  async senderOf(request: FastifyRequest, reply: FastifyReply): Promise<Sender | undefined> {
    const { authorization } = request.headers;
    const [, bearer] = BEARER.exec(authorization ?? '') ?? [];
    const caller =
      authorization === undefined
        ? await this.#sessionCaller(request, reply)
        : bearer === undefined
          ? await this.#digestCaller(request, reply)
          : await this.#tokenCaller(request, reply, bearer);
    return caller && { ...caller, actor: await this.admit(caller, request, reply) };
  }

  /**
   * Admits an authenticated account from the address of a request.
   * @throws UserError IP_ADDRESS_NOT_ON_ACCESS_LIST, RESOURCE_REQUIRES_ACCESS_LIST, TOO_MANY_FAILED_ATTEMPTS
   */
  async admit({ account }: Caller, request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    const actor = actorOf(account, request.ip);
    const { orgId } = actor;
    const refusal = await whyRefusedFrom(request.ip, account, this.#control.store, this.#control);
    if (refusal) {
      const type = actor.kind === 'API_KEY' ? 'API_KEY_ADDRESS_REFUSED' : 'SERVICE_ACCOUNT_ADDRESS_REFUSED';
      this.#note(request, { type, reason: refusal.code, actor, orgId });
      this.#failed.failed(request, reply, actor.name);
      throw refusal;
    }
    this.#failed.succeeded(request, reply, actor.name);
    return actor;
  }

  /**
   * Returns a function that checks the sender of a request again, for an answer that lasts: its key, token or session, and its address.
   * It returns the sender with the roles of the moment.
   * @throws UserError (the function) UNAUTHORIZED, SESSION_ENDED, and as {@link admit}
   */
  checkAgain(request: FastifyRequest, reply: FastifyReply, { name }: Actor): () => Promise<Actor> {
    const { authorization } = request.headers;
    const [, bearer] = BEARER.exec(authorization ?? '') ?? [];
    let mark: string | undefined;
    const find = async (): Promise<Caller | undefined> => {
      if (authorization === undefined) return await this.#sessionCaller(request, reply);
      if (bearer !== undefined) {
        const outcome = await findTokenAccount(this.#control, bearer);
        return 'caller' in outcome ? outcome.caller : undefined;
      }
      const standing = await standingOf(this.#control, { kind: 'API_KEY', name });
      mark ??= standing?.mark;
      return standing?.mark === mark ? standing : undefined;
    };
    return async () => {
      const caller = await find();
      if (!caller) throw new UserError('UNAUTHORIZED');
      return await this.admit(caller, request, reply);
    };
  }

  /** Sends the challenge. @param stale  whether the credentials were valid and only the nonce was too old */
  challenge(reply: FastifyReply, stale: boolean): void {
    reply.code(401).header('content-type', 'application/json');
    reply.header('www-authenticate', this.#digest.challenges(stale));
    void sendTextsAsTheyAre(reply).send(CHALLENGE_BODY);
  }

  /**
   * Notes and counts a sign-in with wrong credentials.
   * @throws UserError TOO_MANY_FAILED_ATTEMPTS
   */
  async refuseSignIn(request: FastifyRequest, reply: FastifyReply, name: string): Promise<void> {
    const { store } = this.#control;
    const isClient = CLIENT_ID_PATTERN.test(name);
    const kind = isClient ? 'SERVICE_ACCOUNT' : 'API_KEY';
    const orgId = (await accountNamed(store, kind, name))?.orgId;
    const type = isClient ? 'SERVICE_ACCOUNT_AUTHENTICATION_FAILED' : 'API_KEY_AUTHENTICATION_FAILED';
    this.#note(request, { type, reason: 'wrong sign-in', claim: { kind, name }, orgId });
    this.#failed.failed(request, reply, name);
  }

  /** No proxy may keep an answer for another reader of the same address, as it could for a request with a cookie. */
  async #sessionCaller(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    const publicUrl = this.#control.publicUrl();
    reply.header('cache-control', 'no-store');
    assertOwnOrigin(request, publicUrl);
    const token = sessionTokenOf(request, publicUrl);
    const found = token === undefined ? undefined : await this.#sessions.find(token);
    if (!found) throw new UserError('SESSION_ENDED');
    return found;
  }

  async #digestCaller(request: FastifyRequest, reply: FastifyReply): Promise<Caller | undefined> {
    const { method, originalUrl, headers } = request;
    const outcome = await this.#digest.authenticate(method, originalUrl, headers.authorization, (username) =>
      this.#failed.assertMayTry(request, reply, username),
    );
    if ('account' in outcome) return outcome.account;
    if (outcome.stale) {
      const actor = outcome.replayed?.account;
      // A replayed request gets a new nonce, because its client may only have lost the connection.
      if (actor) {
        this.#note(request, { type: 'API_REQUEST_REPLAYED', reason: 'nonce count used', actor, orgId: actor.orgId });
      }
    } else {
      const { username: name, claimed } = outcome;
      const claim = { kind: 'API_KEY', name } as const;
      const orgId = claimed?.account.orgId;
      this.#note(request, { type: 'API_KEY_AUTHENTICATION_FAILED', reason: 'wrong credentials', claim, orgId });
      this.#failed.failed(request, reply, name);
    }
    this.challenge(reply, outcome.stale);
    return undefined;
  }

  async #tokenCaller(request: FastifyRequest, reply: FastifyReply, token: string): Promise<Caller | undefined> {
    const name = claimedClientId(token);
    this.#failed.assertMayTry(request, reply, name);
    const outcome = await findTokenAccount(this.#control, token);
    if ('caller' in outcome) return outcome.caller;
    if (outcome.refused !== 'expired') {
      const orgId = (await accountNamed(this.#control.store, 'SERVICE_ACCOUNT', name))?.orgId;
      const claim = { kind: 'SERVICE_ACCOUNT', name } as const;
      const reason = outcome.refused === 'ended' ? 'revoked access token' : 'wrong access token';
      this.#note(request, { type: 'SERVICE_ACCOUNT_AUTHENTICATION_FAILED', reason, claim, orgId });
      this.#failed.failed(request, reply, name);
    }
    this.challenge(reply, false);
    return undefined;
  }

  #note(request: FastifyRequest, event: Omit<SecurityEvent, 'address'>): void {
    this.#control.security.note({ ...event, address: request.ip });
  }
}
