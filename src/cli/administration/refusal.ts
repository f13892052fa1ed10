import { messageOf, UserError } from '../../platform/index.ts';

/** The statuses of a proxy whose server doesn't answer. Linkspan's own answers with these codes are JSON. */
const FROM_PROXY: readonly number[] = [502, 503, 504];
/** Codes of the errors with which TLS fails when the other side speaks plain HTTP. */
const NO_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/;

const DESCRIPTION_WITHIN_MS = 10_000;

/** A server's refusal in Linkspan's form. */
export interface Refusal {
  readonly said: string;
  readonly code: string;
}

/** Returns the JSON of an answer; undefined if it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads the refusal in an answer.
 * @param url  base URL of the server
 * @throws UserError API_BEHIND_PROXY, API_URL_HAS_PATH, API_NOT_LINKSPAN when Linkspan's API has not sent it
 */
export function refusalOf(url: string, { status }: Response, text: string): Refusal {
  const { detail, error_description: description, errorCode, error } = (jsonOf(text) ?? {}) as Record<string, unknown>;
  const code = errorCode ?? error;
  if (typeof code !== 'string' || (code === 'RESOURCE_NOT_FOUND' && hasPath(url))) throw notTheApi(url, status);
  return { said: String(detail ?? description).replace(/\.$/, ''), code };
}

/** Returns the error of an answer that Linkspan's API has not sent. */
export function notTheApi(url: string, status: number): UserError {
  const { origin, pathname } = new URL(url);
  if (FROM_PROXY.includes(status)) return new UserError('API_BEHIND_PROXY', [url, String(status)]);
  if (hasPath(url)) return new UserError('API_URL_HAS_PATH', [origin, pathname, origin]);
  return new UserError('API_NOT_LINKSPAN', [url, String(status)]);
}

/** @param remedy  as the server gives it in the header `x-error-remedy` */
export function refused({ said, code }: Refusal, remedy: string | null): UserError {
  return new UserError('API_REFUSED', [said, code, remedy === null ? '' : `${decoded(remedy)} `]);
}

/** Returns the error of a request that got no answer. */
export function unreachable(url: string, error: unknown): UserError {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  if (typeof code === 'string' && NO_TLS.test(code))
    return new UserError('API_NOT_TLS', [url, url.replace(/^https:/, 'http:')], { cause: error });
  return new UserError('API_UNREACHABLE', [url, messageOf(cause)], { cause: error });
}

/**
 * Returns API_URL_HAS_PATH if the server doesn't serve its public description below the path of the URL. With a wrong path it refuses
 * each digest, because that has another path.
 */
export async function pathIsWrong(url: string): Promise<UserError | undefined> {
  if (!hasPath(url)) return undefined;
  const signal = AbortSignal.timeout(DESCRIPTION_WITHIN_MS);
  const answer = await fetch(`${url}/openapi.json`, { redirect: 'error', signal }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 404 || answer?.status === 401 ? notTheApi(url, answer.status) : undefined;
}

function hasPath(url: string): boolean {
  return new URL(url).pathname !== '/';
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    return header;
  }
}
