import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
} from 'fastify';
import { type Logger, UserError } from '../platform/index.ts';
import { type ConnectionLimits, type ConnectionRefusal, OpenConnections } from './connection-limits.ts';
import { answerMalformedRequest } from './malformed-request.ts';
import { refusePipelined } from './one-request-at-a-time.ts';
import { PLAIN, present } from './presentation.ts';
import { atlasError, clientMistake, unexpectedError } from './problem.ts';
import { readBytes } from './read-bytes.ts';
import type { Refusals } from './refusals.ts';
import { traceRequests } from './request-traces.ts';
import { RequestsInFlight } from './requests-in-flight.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { bodyShares, senderOf } from './senders.ts';
import { UnreadAnswers } from './unread-answers.ts';

/** Larger than any message of the Atlas API or of the agents' API. Parsing as much JSON takes some 10 ms. */
export const BODY_LIMIT_BYTES = 1024 * 1024;

/** How long a client may take to send one request, so that slow clients don't hold sockets. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How long a client may take to send the head of a request. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How long a TLS handshake may take; Node's default is two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a connection may stay open between two requests. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** How often Node checks these timeouts; its default is every 30 s. */
const CHECK_EVERY_MS = 5_000;
/** Default of the header Retry-After for answers with status 429 or 503. */
const RETRY_AFTER_SECONDS = 5;

export interface ServerOptions {
  readonly logger: Logger;
  /** Certificate chain and key in PEM; absent for plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Addresses and blocks of proxies whose `X-Forwarded-For` the server trusts. It reads the header from the right; the first entry that
   * is not a trusted proxy is the client. Empty by default, because any client can send the header.
   */
  readonly trustedProxies?: readonly string[];
  /** Holds refusals in a loop; absent: none. */
  readonly refusals?: Refusals;
  /** No limits by default. */
  readonly connectionLimits?: ConnectionLimits;
  /** Called for each connection that a limit closed. */
  readonly onConnectionRefused?: (address: string, why: ConnectionRefusal) => void;
}

/** Instead of an answer that would take too much memory. */
const BUSY = present(503, atlasError(new UserError('SERVER_BUSY')), PLAIN);

const UNLIMITED: ConnectionLimits = { total: Number.POSITIVE_INFINITY, perAddress: Number.POSITIVE_INFINITY };

const NODE_OPTIONS = {
  connectionsCheckingInterval: CHECK_EVERY_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
};

/**
 * An HTTP server without resources, on which Linkspan registers its APIs. Handlers get bodies as bytes, because agents sign these bytes
 * and each API has its own errors for an invalid body.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { logger, trustedProxies = [], connectionLimits = UNLIMITED, onConnectionRefused = () => undefined } = options;
  const connections = new OpenConnections(connectionLimits, trustedProxies, onConnectionRefused);
  const requests = new RequestsInFlight(connectionLimits.perAddress, trustedProxies);
  const bodies = bodyShares();
  const answers = new UnreadAnswers();
  const tuning: FastifyServerOptions = {
    bodyLimit: BODY_LIMIT_BYTES,
    clientErrorHandler: answerMalformedRequest,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    // Older Atlas CLIs join a base URL that ends in / and a path that starts with /. An absolute URL means its path (RFC 9112 §3.2.2).
    rewriteUrl: (request) => (request.url ?? '/').replace(/^(https?:\/\/[^/?]*)?\/*/i, '/'),
    frameworkErrors: answerError,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // Fastify calls this once for each address of `localhost`.
    serverFactory: (handler) => {
      const server = options.tls
        ? createHttpsServer({ ...NODE_OPTIONS, ...options.tls, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, handler)
        : createHttpServer(NODE_OPTIONS, handler);
      connections.watch(server);
      return server;
    },
  };
  const app = fastify(tuning);
  traceRequests(app);

  app.decorateRequest('authenticated', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { 'content-length': announced } = request.headers;
    const { pool, holder } = senderOf(request);
    const source = {
      payload,
      announcedBytes: announced === undefined ? undefined : Number(announced),
      limitBytes: request.routeOptions.bodyLimit ?? BODY_LIMIT_BYTES,
      holder,
    };
    return await readBytes(source, bodies[pool]);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    if (hasSeveralHosts(request)) throw new UserError('MALFORMED_REQUEST');
    refusePipelined(request, reply); // rule: one-request-at-a-time
    requests.count(request, reply);
    // Thrown here, because the server reads the body before the not-found handler below.
    if (request.is404) throw new UserError('RESOURCE_NOT_FOUND', [pathOf(request.url)]);
    done();
  });
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  // Closing the server closes only idle connections. Without this header, a later answer would keep its connection, and so the server, open for a minute.
  app.addHook('onSend', (request, reply, payload, done) => {
    const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
    let content = payload;
    if (isText && answers.hold(request, reply, Buffer.byteLength(payload)) !== undefined) {
      content = BUSY;
      reply.code(503).headers({ 'content-type': 'application/json', 'x-error-code': 'SERVER_BUSY' });
      reply.removeHeader('content-encoding');
    }
    // Reading the rest of a body that no route takes would cost more than a new connection.
    // rule: close-behind-too-large
    if (isClosing || (reply.statusCode >= 400 && isTooLarge(request))) reply.header('connection', 'close');
    const isBusy = reply.statusCode === 429 || reply.statusCode === 503;
    if (isBusy && !reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_SECONDS);
    const held = options.refusals?.hold(request, reply);
    if (held === undefined) done(null, content);
    else void held.then(() => done(null, content));
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new UserError('RESOURCE_NOT_FOUND', [pathOf(request.url)]);
  });
  return app;

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const mistake = clientMistake(error, pathOf(request.url), BODY_LIMIT_BYTES);
    if (!mistake)
      logger.error(
        { event: 'http.request_failed', err: error, method: request.method, path: pathOf(request.url) },
        'request failed',
      );
    const body = mistake ? atlasError(mistake) : unexpectedError();
    // Set the headers again, because no hook runs when the framework finds the error.
    reply
      .code(body.error)
      .headers({ ...SECURITY_HEADERS, 'content-type': 'application/json', 'x-error-code': body.errorCode });
    void sendTextsAsTheyAre(reply).send(present(body.error, body, PLAIN));
  }
}

/** Whether the announced length of a body is above the limit of its route. */
function isTooLarge({ headers, routeOptions: { bodyLimit = BODY_LIMIT_BYTES } }: FastifyRequest): boolean {
  return Number(headers['content-length'] ?? 0) > bodyLimit;
}

/** Two parts of a chain of servers could each take another one of them (RFC 9112 §3.2). */
function hasSeveralHosts({ raw: { rawHeaders } }: FastifyRequest): boolean {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host');
  return hosts.length > 1;
}

/**
 * Makes a reply send texts with exactly the content type that is set. Otherwise Fastify adds a charset, which Atlas does not have. Texts
 * are better than bytes here: the server writes a text together with its head.
 */
export function sendTextsAsTheyAre(reply: FastifyReply): FastifyReply {
  return reply.serializer(asItIs);
}

const asItIs = (text: string) => text;

/** Replaces Fastify's schema compilers, which take as long to load as the rest of Fastify. Handlers check bodies with their own schemas. */
function noSchemas(): never {
  throw new Error("Fastify's own schemas are not used");
}

/** A request target without its query. */
export function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

/** The bytes of a request's body; empty where it has none. */
export function bodyOf(request: { body: unknown }): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
