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
import { BodyBudget } from './body-budget.ts';
import { type ConnectionLimits, type ConnectionRefusal, OpenConnections } from './connection-limits.ts';
import { answerMalformedRequest } from './malformed-request.ts';
import { PLAIN, present } from './presentation.ts';
import { atlasError, clientMistake, unexpectedError } from './problem.ts';
import { readBytes } from './read-bytes.ts';
import { RequestsInFlight } from './requests-in-flight.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Larger than any message of either face. */
export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

const MEBIBYTE = 1024 * 1024;
/** Unfinished bodies of clients that are not known yet: redemptions of link-tokens, of 8 KiB at most. */
const BODIES_OF_STRANGERS = { totalBytes: 16 * MEBIBYTE, perAddressBytes: MEBIBYTE };
/** Unfinished bodies of clients that have proved who they are: many agents may share one address. */
const BODIES_OF_KNOWN_SENDERS = { totalBytes: 128 * MEBIBYTE, perAddressBytes: 64 * MEBIBYTE };

/** How long a client may take to send one request; keeps slow ones from holding sockets. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How long it may take to send the head of a request, from the connection on. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How long a TLS handshake may take; Node's default is two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a connection may stay open between two requests. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** How often Node looks who is late; by default it would be every 30 s. */
const CHECK_EVERY_MS = 5_000;
/** When a client that was refused for the moment is told to come back, where nothing better is known. */
const RETRY_AFTER_SECONDS = 5;

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the sender has proved who it is before its body is read; decides which memory the body takes. */
    isSenderKnown: boolean;
  }
}

export interface ServerOptions {
  readonly logger: Logger;
  /** Certificate chain and key, PEM. Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Addresses and blocks of proxies whose `X-Forwarded-For` is believed, from the right: the first entry that is none of them is the
   * caller. None by default, as anybody can send the header.
   */
  readonly trustedProxies?: readonly string[];
  /** None by default. */
  readonly connectionLimits?: ConnectionLimits;
  /** Is told of each connection that a limit closed. */
  readonly onConnectionRefused?: (address: string, why: ConnectionRefusal) => void;
}

const UNLIMITED: ConnectionLimits = { total: Number.POSITIVE_INFINITY, perAddress: Number.POSITIVE_INFINITY };

const NODE_OPTIONS = {
  connectionsCheckingInterval: CHECK_EVERY_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
};

/**
 * An HTTP server without resources, on which the faces of Linkspan are registered. Bodies reach handlers as bytes: the link's
 * signatures are over them, and what is wrong with a body is for each face to say.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { logger, trustedProxies = [], connectionLimits = UNLIMITED, onConnectionRefused = () => undefined } = options;
  const connections = new OpenConnections(connectionLimits, trustedProxies, onConnectionRefused);
  const requests = new RequestsInFlight(connectionLimits.perAddress, trustedProxies);
  const bodies = { known: new BodyBudget(BODIES_OF_KNOWN_SENDERS), strange: new BodyBudget(BODIES_OF_STRANGERS) };
  const tuning: FastifyServerOptions = {
    bodyLimit: BODY_LIMIT_BYTES,
    clientErrorHandler: answerMalformedRequest,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    // Older Atlas CLIs join a base URL that ends in / with a path that begins with it. A whole URL means its path (RFC 9112 §3.2.2).
    rewriteUrl: (request) => (request.url ?? '/').replace(/^(https?:\/\/[^/?]*)?\/*/i, '/'),
    frameworkErrors: answerError,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // Fastify asks for one server for each address of `localhost`.
    serverFactory: (handler) => {
      const server = options.tls
        ? createHttpsServer({ ...NODE_OPTIONS, ...options.tls, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, handler)
        : createHttpServer(NODE_OPTIONS, handler);
      connections.watch(server);
      return server;
    },
  };
  const app = fastify(tuning);

  app.decorateRequest('isSenderKnown', false);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { 'content-length': announced } = request.headers;
    const source = {
      payload,
      announcedBytes: announced === undefined ? undefined : Number(announced),
      limitBytes: request.routeOptions.bodyLimit ?? BODY_LIMIT_BYTES,
      address: request.ip,
    };
    return await readBytes(source, request.isSenderKnown ? bodies.known : bodies.strange);
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    requests.count(request, reply);
    // Here and not in the handler below, before which the body would be read.
    if (request.is404) throw new UserError('RESOURCE_NOT_FOUND', [pathOf(request.url)]);
    done();
  });
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  // Only connections that are idle when the server closes are closed then. A later answer would keep its connection, and the server, for a minute.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    const isBusy = reply.statusCode === 429 || reply.statusCode === 503;
    if (isBusy && !reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_SECONDS);
    done(null, payload);
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new UserError('RESOURCE_NOT_FOUND', [pathOf(request.url)]);
  });
  return app;

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const mistake = clientMistake(error, pathOf(request.url), BODY_LIMIT_BYTES);
    if (!mistake) logger.error({ err: error, method: request.method, path: pathOf(request.url) }, 'request failed');
    const body = mistake ? atlasError(mistake) : unexpectedError();
    // The headers again, as no hook has run where the framework found the error.
    reply
      .code(body.error)
      .headers({ ...SECURITY_HEADERS, 'content-type': 'application/json', 'x-error-code': body.errorCode });
    void sendTextsAsTheyAre(reply).send(present(body.error, body, PLAIN));
  }
}

/**
 * Lets a reply send texts under the content type that is set, to which the server would otherwise add a charset that Atlas does not
 * have. Unlike bytes, a text goes out in one write with its head.
 */
export function sendTextsAsTheyAre(reply: FastifyReply): FastifyReply {
  return reply.serializer(asItIs);
}

const asItIs = (text: string) => text;

/** Bodies are checked by their own schemas. Fastify's compilers take as long to load as all the rest of it. */
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
