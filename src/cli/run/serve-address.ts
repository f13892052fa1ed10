import type { FastifyInstance } from 'fastify';
import { type ListenAddress, messageOf, UserError } from '../../platform/index.ts';

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
    if (isTaken) throw new UserError('PORT_IN_USE', [`${host}:${port}`, '--listen'], { cause: error });
    throw new UserError('USAGE', [`Cannot listen on ${host}:${port}: ${messageOf(error)}`], { cause: error });
  }
  const bound = app.server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
}
