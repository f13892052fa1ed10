import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  ACCESS_TOKEN_LIFE_SECONDS,
  type AuthenticatedClient,
  accountNamed,
  type Control,
  findServiceAccount,
  issueAccessToken,
  revokeAccessToken,
} from '../control/index.ts';
import { basicCredentials, bodyOf, type FailedAttempts } from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** Enough for a form with a grant type or an access token. */
const BODY_LIMIT_BYTES = 8 * 1024;

/** An error in the form of RFC 6749 §5.2, which differs from Atlas's form. */
class OAuthError extends Error {
  readonly status: 400 | 401 | 429;
  readonly code: 'invalid_client' | 'invalid_request' | 'unsupported_grant_type' | 'temporarily_unavailable';

  constructor(status: OAuthError['status'], code: OAuthError['code'], description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

/**
 * Registers OAuth 2.0 client credentials of service accounts, as the Atlas SDKs use them (docs/reference/atlas-contract.md):
 * `POST /api/oauth/token` and `/api/oauth/revoke`, both with HTTP Basic and a form. The server checks the credentials before it reads the
 * form. Access lists don't apply here, only where a token is used.
 */
export async function registerOAuth(app: FastifyInstance, control: Control, failed: FailedAttempts): Promise<void> {
  const clients = new WeakMap<FastifyRequest, AuthenticatedClient>();
  const route = {
    bodyLimit: BODY_LIMIT_BYTES,
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      const client = await authenticate(control, failed, request, reply);
      clients.set(request, client);
      const { orgId, name } = client.account;
      request.authenticated = { pool: 'clients', holder: { organization: orgId, account: name } };
    },
  };
  const clientOf = (request: FastifyRequest): AuthenticatedClient => {
    const client = clients.get(request);
    if (!client) throw new Error('A handler was reached without authentication');
    return client;
  };
  await app.register(
    async (scope) => {
      scope.setErrorHandler((thrown, _request, reply) => {
        const error = oauthErrorOf(thrown);
        if (!(error instanceof OAuthError)) throw thrown;
        if (error.status === 401) reply.header('www-authenticate', 'Basic realm="Linkspan service accounts"');
        reply.header('cache-control', 'no-store');
        return reply.code(error.status).send({ error: error.code, error_description: error.message });
      });

      scope.post('/token', route, async (request, reply) => {
        const { credential } = clientOf(request);
        const grants = formOf(request).getAll('grant_type');
        // RFC 6749 §3.2: a parameter without a value counts as absent, and none may be repeated.
        if (grants.length !== 1 || grants[0] === '') {
          throw new OAuthError(400, 'invalid_request', 'The form must have one grant_type.');
        }
        if (grants[0] !== 'client_credentials') {
          throw new OAuthError(400, 'unsupported_grant_type', 'The grant_type must be client_credentials.');
        }
        // RFC 6749 §5.1: no proxy may cache the answer.
        reply.header('cache-control', 'no-store');
        const accessToken = await issueAccessToken(control, credential);
        return { access_token: accessToken, expires_in: ACCESS_TOKEN_LIFE_SECONDS, token_type: 'Bearer' };
      });

      scope.post('/revoke', route, async (request, reply) => {
        const { account } = clientOf(request);
        const token = formOf(request).get('token');
        if (!token) throw new OAuthError(400, 'invalid_request', 'The form must have the token.');
        await revokeAccessToken(control, account, token, request.ip);
        return reply.code(200).send();
      });
    },
    { prefix: '/api/oauth' },
  );
}

/** RFC 6749 defines no error for too many requests to this endpoint; `temporarily_unavailable` is from its authorization endpoint. */
function oauthErrorOf(error: unknown): unknown {
  if (!(error instanceof UserError) || error.code !== 'TOO_MANY_FAILED_ATTEMPTS') return error;
  return new OAuthError(429, 'temporarily_unavailable', error.message);
}

async function authenticate(
  control: Control,
  failed: FailedAttempts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AuthenticatedClient> {
  const { authorization } = request.headers;
  const [clientId, secret] = basicCredentials(authorization);
  failed.assertMayTry(request, reply, clientId);
  const account = await findServiceAccount(control, clientId, secret);
  if (account) {
    failed.succeeded(request, reply, clientId);
    return account;
  }
  if (authorization !== undefined) {
    const orgId = (await accountNamed(control.store, 'SERVICE_ACCOUNT', clientId))?.orgId;
    control.security.note({
      type: 'SERVICE_ACCOUNT_AUTHENTICATION_FAILED',
      address: request.ip,
      reason: 'wrong client secret',
      claim: { kind: 'SERVICE_ACCOUNT', name: clientId },
      orgId,
    });
    failed.failed(request, reply, clientId);
  }
  throw new OAuthError(401, 'invalid_client', 'Invalid credentials provided.');
}

function formOf(request: FastifyRequest): URLSearchParams {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(400, 'invalid_request', 'The body must be of the type application/x-www-form-urlencoded.');
  }
  return new URLSearchParams(bodyOf(request).toString('utf8'));
}
