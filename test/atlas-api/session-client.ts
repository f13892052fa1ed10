import assert from 'node:assert/strict';
import { type PlainAnswer, requestFrom } from '../support/request-from.ts';
import { ATLAS } from './control-plane.ts';

interface Sent {
  readonly body?: unknown;
  /** Replace those of the console; an empty text removes one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The client's address, one of this machine. */
  readonly from?: string;
}

/** A browser with a page of the console: it keeps the cookie and sends the headers that a browser sends for such a page. */
export class SessionClient {
  readonly #url: string;
  /** The cookie as `name=value`; empty before the sign-in. */
  cookie = '';

  constructor(url: string, cookie = '') {
    this.#url = url;
    this.cookie = cookie;
  }

  /** Signs in, and keeps the cookie. */
  async signIn([name, secret]: readonly [string, string], sent: Sent = {}): Promise<PlainAnswer> {
    const authorization = `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
    const answer = await this.send('POST', '/api/session', { ...sent, headers: { authorization, ...sent.headers } });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    if (cookie !== undefined) this.cookie = cookie.split(';', 1)[0] ?? '';
    return answer;
  }

  async send(
    method: string,
    path: string,
    { body, headers = {}, from = '127.0.0.1' }: Sent = {},
  ): Promise<PlainAnswer> {
    const all = {
      accept: ATLAS,
      'linkspan-console': '1',
      'sec-fetch-site': 'same-origin',
      ...(method === 'GET' ? {} : { origin: this.#url }),
      ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    const text = body === undefined ? undefined : JSON.stringify(body);
    return await requestFrom(from, this.#url + path, { method, headers: kept, body: text });
  }
}

/** The Atlas error code of an answer. */
export function codeOf({ text }: PlainAnswer): unknown {
  const body: { errorCode?: unknown } = JSON.parse(text);
  assert.ok('errorCode' in body, text);
  return body.errorCode;
}
