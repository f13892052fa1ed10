import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { SECURITY_HEADERS } from '../http/index.ts';
import { type BearerToken, messageOf, UserError } from '../platform/index.ts';
import { assertLocal, isReading } from './callers.ts';
import { collectionsResponse } from './collections-response.ts';
import { errorName } from './error-name.ts';
import { parseLoadRequest } from './load-request.ts';
import { progressResponse } from './progress-response.ts';
import type { SyncSession } from './session.ts';
import { settingsResponse } from './settings-response.ts';
import type { Standby } from './standby.ts';
import { parseStartRequest, requireEmptyBody } from './start-request.ts';

const LOOPBACK = '127.0.0.1';

/**
 * Creates mongosync's HTTP API for a session. mongosync's documentation leaves some points open; Linkspan decides them as follows. A refused call
 * answers `{ success: false, error, errorDescription }` with status 400, or 409 if the state does not allow the call. {@link errorName} has
 * the names. A body is JSON whatever its content type, and an empty body counts as `{}`.
 *
 * Like mongosync's, the API has no authentication unless it has a token. {@link assertLocal} keeps foreign web pages from calling it through a
 * browser on this machine.
 * @param token  token that every call except GET must send; without it any user of this machine can make every call
 * @param standby  refuses calls that change something while another process leads
 */
export function createSyncApi(session: SyncSession, token?: BearerToken, standby?: Standby): FastifyInstance {
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
    return reply.code(status).send({ success: false, error: errorName(known), errorDescription: description });
  });
  app.setNotFoundHandler((request) => {
    throw new UserError('UNKNOWN_CALL', [`${request.method} ${request.url}`]);
  });
  const mayChange = ({ headers }: FastifyRequest) => token?.isIn(headers.authorization) ?? true;
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    assertLocal(request);
    if (isReading(request)) return;
    if (!mayChange(request)) throw new UserError('SYNC_TOKEN_MISSING');
    const leader = standby?.leader;
    if (leader) throw new UserError('STANDBY', [String(leader.pid), leader.host]);
  });

  app.get('/api/v1/settings', async (request) => settingsResponse(session.settings, mayChange(request)));
  app.get('/api/v1/progress', async () => ({
    progress: progressResponse(session.state, session.direction, session.progress(), {
      leader: standby?.leader,
      wanted: session.wanted,
      load: session.load,
      findings: session.warnings,
      collections: session.collections(),
      failback: session.failback,
      problems: session.problems,
      sourceWatch: session.sourceWatch,
    }),
    success: true,
  }));
  app.get('/api/v1/collections', async ({ url }) => {
    const { searchParams } = new URL(url, 'http://localhost');
    return collectionsResponse(session.collections(), searchParams, Date.now());
  });
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
  call('start', async (body) => {
    await session.start(parseStartRequest(body));
    // rule: start-is-durable
    await session.recorded();
  });
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

/** An API that listens. */
export interface OpenedApi {
  /** Its address without a path. */
  readonly origin: string;
  /** The address of its calls. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Opens the API on loopback.
 * @param port      port to listen on; 0 for any free port
 * @param standby   as in {@link createSyncApi}
 * @param register  adds further paths, such as a page
 * @throws UserError PORT_IN_USE
 */
export async function openSyncApi(
  session: SyncSession,
  port: number,
  { token, standby }: { readonly token?: BearerToken | undefined; readonly standby?: Standby | undefined } = {},
  register: (app: FastifyInstance) => void = () => undefined,
): Promise<OpenedApi> {
  const app = createSyncApi(session, token, standby);
  register(app);
  try {
    const origin = await app.listen({ host: LOOPBACK, port });
    return { origin, url: `${origin}/api/v1`, close: () => app.close() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new UserError('PORT_IN_USE', [`${LOOPBACK}:${port}`, '--port'], { cause: error });
  }
}

function asUserError(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return status < 500 ? new UserError('INVALID_REQUEST', [messageOf(error)]) : undefined;
}
