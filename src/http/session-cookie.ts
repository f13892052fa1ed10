import type { FastifyRequest } from 'fastify';
import { UserError } from '../platform/index.ts';

/**
 * The header that the console sends with every request. A page of another origin can't send it: its browser would ask this server first
 * (a CORS preflight), which permits nothing.
 */
const CONSOLE_HEADER = 'linkspan-console';

/** Browsers take a cookie with this prefix only over TLS and for exactly this host, so it can't be planted over plain HTTP. */
const SECURE_NAME = '__Host-linkspan-session';
const PLAIN_NAME = 'linkspan-session';

/** Whether the console sent a request. Without this header, a session's cookie has no effect. */
export function isFromConsole({ headers }: FastifyRequest): boolean {
  return headers[CONSOLE_HEADER] !== undefined;
}

/**
 * Checks that a page of this server sent a request of the console. Browsers send `Origin` with everything but GET and HEAD.
 * @param publicUrl  the address of this server in browsers, where a proxy ends TLS
 * @throws UserError FOREIGN_ORIGIN
 */
export function assertOwnOrigin(request: FastifyRequest, publicUrl: string): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const own = `${isSecure(request, publicUrl) ? 'https' : 'http'}://${request.host}`;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isOwn = origin === undefined ? isRead : origin.toLowerCase() === own.toLowerCase();
  if (!isOwn || (site !== undefined && site !== 'same-origin')) {
    throw new UserError('FOREIGN_ORIGIN', [origin?.slice(0, 100) ?? 'an unknown origin', own.slice(0, 100)]);
  }
}

/** The token in a request's session cookie; undefined where it has none, or two of one name. */
export function sessionTokenOf(request: FastifyRequest, publicUrl: string): string | undefined {
  const name = isSecure(request, publicUrl) ? SECURE_NAME : PLAIN_NAME;
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const own = pairs.filter((pair) => pair.startsWith(`${name}=`));
  return own.length === 1 ? own[0]?.slice(name.length + 1) : undefined;
}

/**
 * The `Set-Cookie` header of a session, without an expiry of its own: the browser forgets it when it is closed.
 * @param token  undefined to remove the cookie
 */
export function sessionCookie(request: FastifyRequest, publicUrl: string, token: string | undefined): string {
  const secure = isSecure(request, publicUrl);
  const value = `${secure ? SECURE_NAME : PLAIN_NAME}=${token ?? ''}`;
  const rules = ['Path=/', 'HttpOnly', 'SameSite=Strict', ...(secure ? ['Secure'] : [])];
  return [value, ...rules, ...(token === undefined ? ['Max-Age=0'] : [])].join('; ');
}

/** Whether the browser reached this server over TLS, here or at a proxy. */
function isSecure(request: FastifyRequest, publicUrl: string): boolean {
  if (request.protocol === 'https') return true;
  return publicUrl.startsWith('https:') && new URL(publicUrl).host === request.host.toLowerCase();
}
