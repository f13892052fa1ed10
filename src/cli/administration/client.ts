import { DigestClient, type DigestRequest } from '../../digest/index.ts';
import { UserError } from '../../platform/index.ts';
import type { Profile } from './profile.ts';
import { jsonOf, notTheApi, pathIsWrong, refusalOf, refused, unreachable } from './refusal.ts';
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
   * @param more  headers besides the usual ones
   * @returns the answer's body; undefined if it has none
   * @throws UserError API_REFUSED with the server's reason, API_RATE_LIMITED, API_UNAUTHORIZED, USAGE, API_OVER_PLAIN_HTTP, and as
   * {@link refusalOf} and {@link unreachable}
   */
  async ask(
    method: string,
    path: string,
    body?: object,
    more: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const url = serverUrlOf(this.#profile);
    const headers = { ...more, accept: ACCEPT, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await this.#send(url, path, request);
    const text = await answer.text();
    if (answer.ok) return text === '' ? undefined : answeredBy(url, answer, text);
    const refusal = refusalOf(url, answer, text);
    // Atlas sends this code with the challenge. Other codes with status 401 mean that the key lacks a permission.
    if (answer.status === 401 && refusal.code === 'UNEXPECTED_ERROR')
      throw (await pathIsWrong(url)) ?? unauthorized(url, this.#profile, refusal.said);
    if (refusal.code === 'RATE_LIMITED_TOKEN_BUCKET')
      throw new UserError('API_RATE_LIMITED', [answer.headers.get('retry-after') ?? '1', refusal.said]);
    throw refused(refusal, answer.headers.get('x-error-remedy'));
  }

  /**
   * Opens a stream of a record's changes, which ends after a minute at the latest.
   * @param path  the part after `/api/atlas/v2`
   * @returns server-sent events in UTF-8
   * @throws Error when the server gives no stream
   */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { accept: 'text/event-stream' };
    const { ok, status, body } = await this.#send(serverUrlOf(this.#profile), path, { method: 'GET', headers, signal });
    if (ok && body !== null) return body;
    await body?.cancel();
    throw new Error(`No stream, with status ${status}`);
  }

  async #send(url: string, path: string, request: DigestRequest): Promise<Response> {
    const target = `/api/atlas/v2${path}`;
    return await (this.#profile.clientId
      ? this.#withToken(url, target, request)
      : this.#withDigest(url, target, request));
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
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(request.signal ? [request.signal] : [])]);
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
    throw unreachable(url, error);
  });
  const text = await answer.text();
  if (!answer.ok) {
    const refusal = refusalOf(url, answer, text);
    throw answer.status === 401 ? unauthorized(url, profile, refusal.said) : refused(refusal, null);
  }
  return `Bearer ${(answeredBy(url, answer, text) as { readonly access_token: string }).access_token}`;
}

/** Returns the JSON of a success. @throws UserError as {@link refusalOf} when there is none */
function answeredBy(url: string, { status }: Response, text: string): unknown {
  const answer = jsonOf(text);
  if (answer === undefined) throw notTheApi(url, status);
  return answer;
}

function unauthorized(url: string, { clientId }: Profile, said: string): UserError {
  return new UserError('API_UNAUTHORIZED', [url, clientId ? 'service account' : 'API key', said]);
}
