import { DigestClient } from '../../src/digest/index.ts';

export interface AtlasAnswer<Body> {
  readonly status: number;
  /** The parsed body; null where there is none. */
  readonly body: Body;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Json = Record<string, unknown>;

const TIMEOUT_MS = 10_000;

/** Client for the Atlas Administration API with one API key. */
export class AtlasClient {
  readonly #digest: DigestClient;

  /** @param timeoutMs  deadline of each of the two requests that a call may need */
  constructor(url: string, publicKey: string, privateKey: string, timeoutMs = TIMEOUT_MS) {
    this.#digest = new DigestClient(url, publicKey, privateKey, timeoutMs);
  }

  /** Sends a request and returns the answer, also when it is an error. @param path  after `/api/atlas/v2` @throws Error when no one answers */
  async request<Body = Json>(method: Method, path: string, body?: object): Promise<AtlasAnswer<Body>> {
    const answer = await this.#digest.fetch(`/api/atlas/v2${path}`, {
      method,
      headers: {
        accept: 'application/vnd.atlas.2024-08-05+json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }

  /** Sends a request that must succeed. @param path  after `/api/atlas/v2` @throws Error with the answer when it is an error */
  async send<Body = Json>(method: Method, path: string, body?: object): Promise<AtlasAnswer<Body>> {
    const answer = await this.request<Body>(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }
}
