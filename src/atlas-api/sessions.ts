import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Control,
  type Credential,
  findCredential,
  type SessionCaller,
  type Sessions,
  type SignInLinks,
  standingOf,
} from '../control/index.ts';
import {
  assertOwnOrigin,
  atlasDate,
  basicCredentials,
  type FailedAttempts,
  isFromConsole,
  sessionCookie,
  sessionTokenOf,
} from '../http/index.ts';
import { UserError } from '../platform/index.ts';
import { showRoles } from './api-key-schemas.ts';
import type { Authentication } from './authentication.ts';
import type { RateLimits } from './rate-limits.ts';

/** A session as the console sees it. */
export type ShownSession =
  | { readonly signedIn: false }
  | {
      readonly signedIn: true;
      readonly kind: 'API_KEY' | 'SERVICE_ACCOUNT';
      /** The public key, or the client id. */
      readonly name: string;
      readonly orgId: string;
      readonly roles: ReturnType<typeof showRoles>;
      /** When it ends at the latest. */
      readonly expiresAt: string;
    };

interface SessionOptions {
  readonly control: Control;
  readonly sessions: Sessions;
  readonly authentication: Authentication;
  readonly failedAttempts: FailedAttempts;
  readonly limits: RateLimits | undefined;
  readonly signInLinks: SignInLinks | undefined;
}

/** The scheme of `Authorization` with the token of a sign-in link. */
const LINK = /^linkspan-link ([A-Za-z0-9_-]{1,100})$/i;

/**
 * Registers `/api/session`, with which the console signs in: `POST` with HTTP Basic or the token of a sign-in link begins a session, `GET` shows it, `DELETE` ends it.
 * All three need the header of the console and its own origin. No answer asks for credentials with `WWW-Authenticate`: browsers would
 * open a dialog of their own.
 */
export async function registerSessions(app: FastifyInstance, options: SessionOptions): Promise<void> {
  const { control, sessions, authentication, limits } = options;
  const ownOnly = {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      reply.header('cache-control', 'no-store');
      if (!isFromConsole(request)) throw new UserError('FOREIGN_ORIGIN', ['an unknown origin', 'this server']);
      assertOwnOrigin(request, control.publicUrl());
    },
  };
  const setToken = (request: FastifyRequest, reply: FastifyReply, token: string | undefined) =>
    reply.header('set-cookie', sessionCookie(request, control.publicUrl(), token));

  app.get('/api/session', ownOnly, async (request, reply): Promise<ShownSession> => {
    const token = sessionTokenOf(request, control.publicUrl());
    const found = token === undefined ? undefined : await sessions.find(token);
    if (found) await authentication.admit(found, request, reply);
    return show(found);
  });

  app.post('/api/session', ownOnly, async (request, reply): Promise<ShownSession> => {
    const credential = await credentialOf(options, request, reply);
    const standing = await standingOf(control, credential);
    if (!standing) throw new UserError('WRONG_SIGN_IN');
    const actor = await authentication.admit(standing, request, reply);
    await limits?.count(request, reply, actor, '');
    const former = sessionTokenOf(request, control.publicUrl());
    const token = await sessions.begin(credential, request.ip);
    const found = token === undefined ? undefined : await sessions.find(token);
    if (!found) throw new UserError('WRONG_SIGN_IN');
    // A new sign-in never continues a session that another client may know.
    if (former !== undefined) await sessions.end(former, request.ip);
    setToken(request, reply, token);
    return show(found);
  });

  app.delete('/api/session', ownOnly, async (request, reply): Promise<ShownSession> => {
    const token = sessionTokenOf(request, control.publicUrl());
    if (token !== undefined) await sessions.end(token, request.ip);
    setToken(request, reply, undefined);
    return show(undefined);
  });
}

/**
 * Checks the credential of a sign-in. A failure counts as a failed attempt.
 * @throws UserError WRONG_SIGN_IN, SIGN_IN_LINK_SPENT, TOO_MANY_FAILED_ATTEMPTS
 */
async function credentialOf(
  { control, authentication, failedAttempts, signInLinks }: SessionOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Credential> {
  const { authorization = '' } = request.headers;
  const [, token] = LINK.exec(authorization) ?? [];
  const [name, secret] = basicCredentials(authorization);
  failedAttempts.assertMayTry(request, reply, name);
  const found = token === undefined ? await findCredential(control, name, secret) : signInLinks?.spend(token);
  if (found !== undefined) return found;
  await authentication.refuseSignIn(request, reply, name);
  throw new UserError(token === undefined ? 'WRONG_SIGN_IN' : 'SIGN_IN_LINK_SPENT');
}

function show(found: SessionCaller | undefined): ShownSession {
  if (!found) return { signedIn: false };
  const { account, expiresAtMs } = found;
  const { kind, name, orgId } = account;
  return { signedIn: true, kind, name, orgId, roles: showRoles(account), expiresAt: atlasDate(expiresAtMs) };
}
