import { request } from 'urllib';

export interface AtlasAnswer {
  readonly status: number;
  /** The parsed body; null where there is none. */
  readonly body: Record<string, unknown> & Record<string, never>[];
}

/** Sends requests to the Atlas Administration API with a third-party digest client. */
export class AtlasClient {
  readonly #url: string;
  readonly #credentials: string;

  constructor(url: string, publicKey: string, privateKey: string) {
    this.#url = url;
    this.#credentials = `${publicKey}:${privateKey}`;
  }

  /** @param path after `/api/atlas/v2` @throws Error when no server answers, or when the answer is an error, with that answer */
  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<AtlasAnswer> {
    const answer = await request(`${this.#url}/api/atlas/v2${path}`, {
      method,
      digestAuth: this.#credentials,
      headers: { accept: 'application/vnd.atlas.2024-05-30+json' },
      ...(body === undefined ? {} : { data: body, contentType: 'application/json' }),
      timeout: 10_000,
    });
    const text = (answer.data as Buffer).toString();
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }
}
