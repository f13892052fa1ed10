import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isLoopback, type Logger, messageOf, UserError, version } from '../platform/index.ts';
import { acceptedFormat } from './accepted-format.ts';
import type { Sample } from './sample.ts';
import type { MetricsSettings } from './settings.ts';

/** A process's facts about itself, asked for at each request. */
export interface Measured {
  readonly command: 'serve' | 'agent' | 'sync';
  /** Its migrations and agents, and whether the samples have all of them. */
  measure(): Promise<{ readonly samples: readonly Sample[]; readonly isComplete: boolean }>;
  /** Why the process is not ready, in fixed phrases, because any client may read them; empty when it is. */
  notReady(): readonly string[] | Promise<readonly string[]>;
}

/** How long a connection may last. A scraper that reads slowly, or sends nothing, then loses it. */
const CONNECTION_LIFE_MS = 15_000;
const MOST_CONNECTIONS = 32;

/**
 * Serves `GET /metrics`, `/healthz` and `/readyz` on a listener of its own. Disposing stops it at once.
 *
 * Without a token it refuses requests for another host name and requests with an `Origin` header, so that no web page can
 * read it through a browser on this machine.
 * @throws UserError PORT_IN_USE, USAGE
 */
export async function openMetrics(
  settings: MetricsSettings,
  measured: Measured,
  logger: Logger,
  connectionLifeMs = CONNECTION_LIFE_MS,
): Promise<AsyncDisposable & { readonly url: string }> {
  const { host, port, token } = settings;
  // Loads prom-client, which a process without metrics doesn't need.
  const { MetricsRegistry } = await import('./registry.ts');
  const registry = new MetricsRegistry();

  const scrape = async ({ headers }: IncomingMessage, response: ServerResponse) => {
    const { command } = measured;
    const measures = await measured.measure();
    const samples: Sample[] = [
      { name: 'linkspan_build_info', labels: { version, command }, value: 1 },
      { name: 'linkspan_migrations_left_out', labels: { command }, value: Number(!measures.isComplete) },
      ...measures.samples,
    ];
    const { contentType, text } = await registry.render(samples, acceptedFormat(headers.accept));
    send(response, 200, contentType, text);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return sendText(response, 405, 'only GET');
    if (token === undefined && isExternal(request)) return sendText(response, 403, 'for this machine only');
    if (path === '/healthz') return sendText(response, 200, 'ok');
    if (path === '/readyz') {
      const reasons = await measured.notReady();
      const body = JSON.stringify({ ready: reasons.length === 0, reasons });
      return send(response, reasons.length === 0 ? 200 : 503, 'application/json', `${body}\n`);
    }
    if (path !== '/metrics') return sendText(response, 404, 'not found');
    if (token !== undefined && !token.isIn(request.headers.authorization)) {
      response.setHeader('www-authenticate', 'Bearer');
      return sendText(response, 401, 'the token is missing or wrong');
    }
    await scrape(request, response);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      logger.warn(
        { event: 'metrics.request_failed', reason: messageOf(error) },
        'a request of the metrics listener failed',
      );
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'no figures at the moment; see the log');
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', (socket) => {
    const life = setTimeout(() => socket.destroy(), connectionLifeMs);
    socket.once('close', () => clearTimeout(life));
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen({ host, port }, () => listening.resolve());
  await listening.promise.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new UserError('PORT_IN_USE', [`${host}:${port}`, '--metrics-listen'], { cause: error });
    throw new UserError('USAGE', [`Cannot listen on ${host}:${port}: ${messageOf(error)}`], { cause: error });
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

function isExternal({ headers }: IncomingMessage): boolean {
  const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return headers.origin !== undefined || !isLoopback(name);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', connection: 'close' });
  response.end(text);
}
