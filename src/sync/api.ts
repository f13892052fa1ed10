import { isIP } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { messageOf, UserError } from '../platform/index.ts';
import type { ApiToken } from './api-token.ts';
import { parseLoadRequest } from './load-request.ts';
import { progressResponse } from './progress-response.ts';
import type { SyncSession } from './session.ts';
import { parseStartRequest, requireEmptyBody } from './start-request.ts';

const LOOPBACK = '127.0.0.1';

/**
 * mongosync's HTTP API over a session. What its documents leave open is decided so: a refused call answers
 * `{ success: false, error, errorDescription }` with 400, or 409 where the state does not allow it; `error` is the code of the error
 * catalogue in PascalCase; a body is JSON whatever its content type, and an empty one counts as `{}`.
 *
 * The API has no authentication unless it is given a token, as mongosync's has none. So that no web page can use a browser on this machine to call it, requests with an `Origin`
 * and requests for another host name (DNS rebinding) are refused.
 * @param token  what every call but GET must present; absent: nothing, so that any user of this machine can make them
 */
export function createSyncApi(session: SyncSession, token?: ApiToken): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body.toString()));
    } catch (error) {
      done(new UserError('INVALID_REQUEST', [`the body is not JSON (${messageOf(error)})`]));
    }
  });
  app.setErrorHandler((error, _request, reply) => {
    const known = asUserError(error);
    const status = known?.definition.status ?? 500;
    const description = known ? `${known.message} ${known.remedy}` : 'Something unforeseen happened. See the log.';
    return reply
      .code(status)
      .send({ success: false, error: pascalCase(known?.code ?? 'INTERNAL_ERROR'), errorDescription: description });
  });
  app.setNotFoundHandler((request) => {
    throw new UserError('UNKNOWN_CALL', [`${request.method} ${request.url}`]);
  });
  app.addHook('onRequest', async ({ headers, host, method }) => {
    const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const local = name === 'localhost' || (isIP(name) !== 0 && (name === '::1' || name.startsWith('127.')));
    if (headers.origin !== undefined || !local) throw new UserError('FOREIGN_ORIGIN', ['localhost']);
    const isReading = method === 'GET' || method === 'HEAD';
    if (token && !isReading && !token.isIn(headers.authorization)) throw new UserError('SYNC_TOKEN_MISSING');
  });

  app.get('/api/v1/progress', async () => ({
    progress: progressResponse(session.state, session.direction, session.progress()),
    success: true,
  }));
  const call = (name: string, act: (body: unknown) => void | Promise<void>) =>
    app.post(`/api/v1/${name}`, async ({ body }) => {
      await act(body);
      return { success: true };
    });
  const plainCall = (name: string, act: () => void) =>
    call(name, (body) => {
      requireEmptyBody(body);
      act();
    });
  call('start', (body) => session.start(parseStartRequest(body)));
  call('load', (body) => session.setLoad(parseLoadRequest(body)));
  plainCall('pause', () => session.pause());
  plainCall('resume', () => session.resume());
  plainCall('commit', () => session.commit());
  plainCall('confirmDrops', () => session.confirmDrops());
  plainCall('reverse', () => {
    throw new UserError('NOT_SUPPORTED_YET', ['reverse']);
  });
  return app;
}

/**
 * Opens the API on loopback.
 * @param port 0 for any free one
 * @returns its base URL, and how to close it
 * @throws UserError PORT_IN_USE
 */
export async function openSyncApi(
  session: SyncSession,
  port: number,
  token?: ApiToken,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const app = createSyncApi(session, token);
  try {
    return { url: `${await app.listen({ host: LOOPBACK, port })}/api/v1`, close: () => app.close() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UserError('PORT_IN_USE', [`${LOOPBACK}:${port}`], { cause: error });
  }
}

function asUserError(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return status < 500 ? new UserError('INVALID_REQUEST', [messageOf(error)]) : undefined;
}

function pascalCase(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
