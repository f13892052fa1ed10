import { createHash, randomBytes } from 'node:crypto';
import { messageOf, UserError } from '../../platform/index.ts';
import type { Profile } from './profile.ts';
import { serverUrlOf } from './server-url.ts';

/** Media type of the newest API version that the server has. */
const ACCEPT = 'application/vnd.atlas.2024-08-05+json';
const TIMEOUT_MS = 60_000;

/**
 * Sends a request to the API. It follows no redirect, because the credentials are for the profile's server alone.
 * @param path  the part after `/api/atlas/v2`
 * @returns the answer's body; undefined if it has none
 * @throws UserError API_REFUSED with the server's reason, API_UNAUTHORIZED, API_UNREACHABLE, USAGE, API_OVER_PLAIN_HTTP
 */
export async function askApi(profile: Profile, method: string, path: string, body?: object): Promise<unknown> {
  const url = serverUrlOf(profile);
  const target = `/api/atlas/v2${path}`;
  const send = async (authorization?: string) => {
    try {
      return await fetch(url + target, {
        method,
        headers: {
          accept: ACCEPT,
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error;
      throw new UserError('API_UNREACHABLE', [url, messageOf(cause)], { cause: error });
    }
  };
  const answer = await (profile.clientId
    ? send(await bearerOf(url, profile))
    : withDigest(send, profile, method, target));
  const text = await answer.text();
  if (answer.ok) return text === '' ? undefined : JSON.parse(text);
  const refusal = refusalOf(answer.status, text);
  const [said, code] = refusal;
  // Atlas sends this code with the challenge. Other codes with status 401 mean that the key lacks a permission.
  if (answer.status === 401 && code === 'UNEXPECTED_ERROR') throw unauthorized(url, profile, said);
  throw new UserError('API_REFUSED', refusal);
}

async function withDigest(
  send: (authorization?: string) => Promise<Response>,
  { publicKey, privateKey }: Profile,
  method: string,
  target: string,
): Promise<Response> {
  if (!publicKey || !privateKey) {
    throw new UserError('USAGE', ['Set LINKSPAN_PUBLIC_KEY and LINKSPAN_PRIVATE_KEY, or a profile with both']);
  }
  const challenge = await send();
  const header = challenge.headers.get('www-authenticate') ?? '';
  if (challenge.status !== 401 || !/^digest /i.test(header)) return challenge;
  await challenge.body?.cancel();
  const parameter = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(header)?.[1] ?? '';
  const algorithm = parameter('algorithm') === 'SHA-256' ? 'SHA-256' : 'MD5';
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const [realm, nonce, cnonce] = [parameter('realm'), parameter('nonce'), randomBytes(8).toString('hex')];
  const secret = hash(`${publicKey}:${realm}:${privateKey}`);
  const response = hash(`${secret}:${nonce}:00000001:${cnonce}:auth:${hash(`${method}:${target}`)}`);
  return await send(
    `Digest username="${publicKey}", realm="${realm}", nonce="${nonce}", uri="${target}", response="${response}", algorithm=${algorithm}, cnonce="${cnonce}", qop=auth, nc=00000001`,
  );
}

async function bearerOf(url: string, profile: Profile): Promise<string> {
  const { clientId = '', clientSecret = '' } = profile;
  const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':');
  const answer = await fetch(`${url}/api/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new UserError('API_UNREACHABLE', [url, messageOf(error)], { cause: error });
  });
  const text = await answer.text();
  if (!answer.ok) {
    const refusal = refusalOf(answer.status, text);
    throw answer.status === 401 ? unauthorized(url, profile, refusal[0]) : new UserError('API_REFUSED', refusal);
  }
  return `Bearer ${JSON.parse(text).access_token}`;
}

function unauthorized(url: string, { clientId }: Profile, said: string): UserError {
  return new UserError('API_UNAUTHORIZED', [url, clientId ? 'service account' : 'API key', said]);
}

/** The server's reason and its error code. */
function refusalOf(status: number, text: string): [said: string, code: string] {
  try {
    const { detail, error_description: description, errorCode, error } = JSON.parse(text);
    return [String(detail ?? description).replace(/\.$/, ''), String(errorCode ?? error)];
  } catch {
    return ['it gives no reason', String(status)];
  }
}
