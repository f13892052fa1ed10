import { DigestSession } from './session.ts';

const TIMEOUT_MS = 60_000;

/** The part of `fetch`'s options that a request may have. Its body is a text, because the request may be sent twice. */
export interface DigestRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request, and the reading of its answer. */
  readonly signal?: AbortSignal;
}

/**
 * Client for one server that asks for HTTP digest. It uses a nonce for as many requests as the server allows; they may run in parallel. It
 * follows no redirect, because the credentials are for this server alone.
 */
export class DigestClient {
  readonly #url: string;
  readonly #session: DigestSession;
  readonly #timeoutMs: number;

  /**
   * @param url        base URL without a slash at its end. The client doesn't sign a path in it, because a proxy removes that path
   * @param timeoutMs  deadline of each of the two requests that a call may need
   */
  constructor(url: string, username: string, password: string, timeoutMs = TIMEOUT_MS) {
    this.#url = url;
    this.#session = new DigestSession(username, password);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request as `fetch` does. If the server answers with a challenge, the client sends it once more.
   * @param target  path and query, after the base URL
   */
  async fetch(target: string, request: DigestRequest = {}): Promise<Response> {
    const { method = 'GET' } = request;
    const send = (authorization: string | undefined) =>
      fetch(this.#url + target, {
        ...request,
        headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), ...(request.signal ? [request.signal] : [])]),
      });
    const first = await send(this.#session.authorization(method, target));
    if (first.status !== 401) return first;
    // The first request has no credentials, or those of an earlier nonce. Such a nonce may fail even without stale=true: after the server's master
    // key is replaced, the server can't verify it.
    if (!this.#session.accept(first.headers.get('www-authenticate') ?? '')) return first;
    const authorization = this.#session.authorization(method, target);
    await first.body?.cancel();
    const second = await send(authorization);
    // Wrong credentials must count as one failed attempt for each call, so the next call starts without any.
    if (second.status === 401) this.#session.forget();
    return second;
  }
}
