/** The prefix of the API's second version. */
export const API = '/api/atlas/v2';
const ACCEPT = 'application/vnd.atlas.2024-08-05+json';

/** Sent with every request: without it, the server ignores the session's cookie. */
export const CONSOLE_HEADERS = { 'linkspan-console': '1' } as const;

/** A refusal of the server, in its own words, with what to do about it. */
export class ApiProblem extends Error {
  readonly status: number;
  /** A code of docs/reference/errors.md. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The problem of an answer that is not a success. */
export async function problemOf(answer: Response): Promise<ApiProblem> {
  const body: unknown = await answer.json().catch(() => null);
  const read = (name: string) => {
    const value: unknown = body === null || typeof body !== 'object' ? undefined : Reflect.get(body, name);
    return typeof value === 'string' ? value : undefined;
  };
  const remedy = answer.headers.get('x-error-remedy');
  const detail = read('detail') ?? `HTTP ${answer.status}`;
  const message = remedy ? `${detail} ${decodeURIComponent(remedy)}` : detail;
  return new ApiProblem(answer.status, read('errorCode') ?? '', message);
}

interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Sends a request to the server of this page.
 * @throws ApiProblem a refusal
 * @throws TypeError if the server can't be reached
 */
export async function send<Body>(method: string, path: string, options: RequestOptions = {}): Promise<Body> {
  const { body, headers, signal } = options;
  const answer = await fetch(path, {
    method,
    cache: 'no-store',
    credentials: 'same-origin',
    redirect: 'error',
    headers: {
      ...CONSOLE_HEADERS,
      accept: ACCEPT,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!answer.ok) throw await problemOf(answer);
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as Body;
}

/** Sends an operation of the API. @param path  after the API's prefix @throws as {@link send} */
export async function call<Body>(method: string, path: string, body?: object): Promise<Body> {
  return await send<Body>(method, API + path, { body });
}
