import type { FastifyInstance } from 'fastify';
import { messageOf, UserError } from '../../platform/index.ts';

/** The address that a server listens on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** @param text  `host:port`; an IPv6 address in brackets. @throws UserError USAGE */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new UserError('USAGE', [`--listen ${text} is not of the form host:port, such as 127.0.0.1:8080`]);
  }
  return { host, port: Number(port) };
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Makes the server listen.
 * @returns the server's URL, with the port that it listens on
 * @throws UserError PORT_IN_USE, USAGE
 */
export async function listen(
  app: FastifyInstance,
  { host, port, tls }: ListenAddress & { readonly tls?: object },
): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (isTaken) throw new UserError('PORT_IN_USE', [`${host}:${port}`], { cause: error });
    throw new UserError('USAGE', [`Cannot listen on ${host}:${port}: ${messageOf(error)}`], { cause: error });
  }
  const bound = app.server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
}
