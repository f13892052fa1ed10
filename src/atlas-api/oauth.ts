import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  ACCESS_TOKEN_LIFE_SECONDS,
  type AuthenticatedAccount,
  type Control,
  findServiceAccount,
  issueAccessToken,
  revokeAccessToken,
} from '../control/index.ts';
import { bodyOf } from '../http/index.ts';

/** An error as RFC 6749 §5.2 has it, which is not Atlas's shape. */
class OAuthError extends Error {
  readonly status: 400 | 401;
  readonly code: 'invalid_client' | 'invalid_request' | 'unsupported_grant_type';

  constructor(status: OAuthError['status'], code: OAuthError['code'], description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

/**
 * OAuth 2.0 client credentials of service accounts, as the Atlas SDKs speak it (contract §4.2): `POST /api/oauth/token` and
 * `/api/oauth/revoke`, both with HTTP Basic and a form. Access lists are not asked here, only where a token is used.
 */
export async function registerOAuth(app: FastifyInstance, control: Control): Promise<void> {
  await app.register(
    async (scope) => {
      scope.setErrorHandler((error, _request, reply) => {
        if (!(error instanceof OAuthError)) throw error;
        if (error.status === 401) reply.header('www-authenticate', 'Basic realm="Linkspan service accounts"');
        reply.header('cache-control', 'no-store');
        return reply.code(error.status).send({ error: error.code, error_description: error.message });
      });

      scope.post('/token', async (request, reply) => {
        const account = await authenticate(control, request);
        const grants = formOf(request).getAll('grant_type');
        // RFC 6749 §3.2: what has no value counts as left out, and nothing may come twice.
        if (grants.length !== 1 || grants[0] === '') {
          throw new OAuthError(400, 'invalid_request', 'The form must have one grant_type.');
        }
        if (grants[0] !== 'client_credentials') {
          throw new OAuthError(400, 'unsupported_grant_type', 'The grant_type must be client_credentials.');
        }
        // RFC 6749 §5.1: nobody on the way may keep the answer.
        reply.header('cache-control', 'no-store');
        const accessToken = await issueAccessToken(control, account);
        return { access_token: accessToken, expires_in: ACCESS_TOKEN_LIFE_SECONDS, token_type: 'Bearer' };
      });

      scope.post('/revoke', async (request, reply) => {
        const { account } = await authenticate(control, request);
        const token = formOf(request).get('token');
        if (!token) throw new OAuthError(400, 'invalid_request', 'The form must have the token.');
        await revokeAccessToken(control, account, token, request.ip);
        return reply.code(200).send();
      });
    },
    { prefix: '/api/oauth' },
  );
}

async function authenticate(control: Control, request: FastifyRequest): Promise<AuthenticatedAccount> {
  const [clientId, secret] = basicCredentials(request.headers.authorization);
  const account = await findServiceAccount(control, clientId, secret);
  if (!account) throw new OAuthError(401, 'invalid_client', 'Invalid credentials provided.');
  return account;
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they become Basic credentials. */
function basicCredentials(header = ''): [clientId: string, secret: string] {
  const [, encoded = ''] = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(header) ?? [];
  const [clientId = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return [formDecode(clientId), formDecode(secret.join(':'))];
}

/** What is no form encoding stands for itself: clients that do not encode send secrets that have nothing to encode. */
function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function formOf(request: FastifyRequest): URLSearchParams {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(400, 'invalid_request', 'The body must be of the type application/x-www-form-urlencoded.');
  }
  return new URLSearchParams(bodyOf(request).toString('utf8'));
}
