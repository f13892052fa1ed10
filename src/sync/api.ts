import { isIP } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { type BearerToken, messageOf, UserError } from '../platform/index.ts';
import { parseLoadRequest } from './load-request.ts';
import { progressResponse } from './progress-response.ts';
import type { SyncSession } from './session.ts';
import { parseStartRequest, requireEmptyBody } from './start-request.ts';

const LOOPBACK = '127.0.0.1';

/**
 * Creates mongosync's HTTP API for a session. mongosync's documentation leaves some points open; Linkspan decides them as follows. A refused call
 * answers `{ success: false, error, errorDescription }` with status 400, or 409 if the state does not allow the call. `error` is the code of the
 * error catalogue in PascalCase. A body is JSON whatever its content type, and an empty body counts as `{}`.
 *
 * Like mongosync's, the API has no authentication unless it has a token. It refuses requests with an `Origin` header and requests for another host
 * name (DNS rebinding), so that no web page can call it through a browser on this machine.
 * @param token  token that every call except GET must send; without it any user of this machine can make every call
 */
export function createSyncApi(session: SyncSession, token?: BearerToken): FastifyInstance {
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
    const description = known ? `${known.message} ${known.remedy}` : 'Unexpected error. See the log.';
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
    progress: progressResponse(session.state, session.direction, session.progress(), {
      wayBack: session.wayBack,
      sourceWatch: session.sourceWatch,
    }),
    success: true,
  }));
  app.get('/api/v1/cutoverReport', async () => session.cutoverReport());
  const call = (name: string, act: (body: unknown) => void | Promise<void>) =>
    app.post(`/api/v1/${name}`, async ({ body }) => {
      await act(body);
      return { success: true };
    });
  const plainCall = (name: string, act: () => void | Promise<void>) =>
    call(name, async (body) => {
      requireEmptyBody(body);
      await act();
    });
  call('start', (body) => session.start(parseStartRequest(body)));
  call('load', (body) => session.setLoad(parseLoadRequest(body)));
  plainCall('pause', () => session.pause());
  plainCall('resume', () => session.resume());
  plainCall('commit', () => session.commit());
  plainCall('abortCommit', () => session.abortCommit());
  plainCall('rehearseCommit', () => session.rehearseCommit());
  plainCall('confirmDrops', () => session.confirmDrops());
  plainCall('reverse', () => session.reverse());
  plainCall('finish', () => session.finish());
  return app;
}

/**
 * Opens the API on loopback.
 * @param port  port to listen on; 0 for any free port
 * @returns its base URL, and a function that closes it
 * @throws UserError PORT_IN_USE
 */
export async function openSyncApi(
  session: SyncSession,
  port: number,
  token?: BearerToken,
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
