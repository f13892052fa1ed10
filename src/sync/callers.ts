import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { isFromConsole } from '../http/index.ts';
import { UserError } from '../platform/index.ts';

/** Whether a request can't change anything. */
export function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/**
 * Refuses requests that a foreign web page sends through a browser on this machine:
 *
 * - requests for another host name (DNS rebinding), and requests with the `Origin` of another page or of none (`null`);
 * - changes that a browser sends, unless the console sent them. A browser tells so by `Origin` or `Sec-Fetch-Site`. The console adds a header
 *   that other pages can't send: a browser asks first (a CORS preflight), and this API permits nothing.
 *
 * @throws UserError FOREIGN_PAGE
 */
export function assertLocal(request: FastifyRequest): void {
  const { host } = request;
  const { origin, 'sec-fetch-site': site } = request.headers;
  const isOwn = origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`;
  const isFromBrowser = origin !== undefined || site !== undefined;
  const isOwnPage = isFromConsole(request) && (site === undefined || site === 'same-origin');
  if (!isLoopback(host) || !isOwn || (isFromBrowser && !isReading(request) && !isOwnPage)) {
    throw new UserError('FOREIGN_PAGE', ['localhost']);
  }
}

/** Whether a `Host` header names this machine. */
function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || (isIP(name) !== 0 && (name === '::1' || name.startsWith('127.')));
}
