import { DigestClient, type DigestRequest } from '../../digest/index.ts';
import { messageOf, UserError } from '../../platform/index.ts';
import type { Profile } from './profile.ts';
import { serverUrlOf } from './server-url.ts';

/** Media type of the newest API version that the server has. */
const ACCEPT = 'application/vnd.atlas.2024-08-05+json';
const TIMEOUT_MS = 60_000;

/** Client for the API with a profile's credentials. It follows no redirect, because the credentials are for the profile's server alone. */
export class ApiClient {
  readonly #profile: Profile;
  #digest: DigestClient | undefined;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /**
   * Sends a request to the API.
   * @param path  the part after `/api/atlas/v2`
   * @returns the answer's body; undefined if it has none
   * @throws UserError API_REFUSED with the server's reason, API_UNAUTHORIZED, API_UNREACHABLE, USAGE, API_OVER_PLAIN_HTTP
   */
  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const url = serverUrlOf(this.#profile);
    const target = `/api/atlas/v2${path}`;
    const headers = { accept: ACCEPT, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await (this.#profile.clientId
      ? this.#withToken(url, target, request)
      : this.#withDigest(url, target, request));
    const text = await answer.text();
    if (answer.ok) return text === '' ? undefined : JSON.parse(text);
    const refusal = refusalOf(answer.status, text);
    const [said, code] = refusal;
    // Atlas sends this code with the challenge. Other codes with status 401 mean that the key lacks a permission.
    if (answer.status === 401 && code === 'UNEXPECTED_ERROR') throw unauthorized(url, this.#profile, said);
    throw new UserError('API_REFUSED', refusal);
  }

  async #withDigest(url: string, target: string, request: DigestRequest): Promise<Response> {
    const { publicKey, privateKey } = this.#profile;
    if (!publicKey || !privateKey) {
      throw new UserError('USAGE', ['Set LINKSPAN_PUBLIC_KEY and LINKSPAN_PRIVATE_KEY, or a profile with both']);
    }
    this.#digest ??= new DigestClient(url, publicKey, privateKey, TIMEOUT_MS);
    return await this.#digest.fetch(target, request).catch((error: unknown) => {
      throw unreachable(url, error);
    });
  }

  async #withToken(url: string, target: string, request: DigestRequest): Promise<Response> {
    const headers = { ...request.headers, authorization: await bearerOf(url, this.#profile) };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(url + target, { ...request, headers, redirect: 'error', signal }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
  }
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

function unreachable(url: string, error: unknown): UserError {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return new UserError('API_UNREACHABLE', [url, messageOf(cause)], { cause: error });
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
