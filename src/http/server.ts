import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
} from 'fastify';
import { type Logger, UserError } from '../platform/index.ts';
import { answerMalformedRequest } from './malformed-request.ts';
import { PLAIN, present } from './presentation.ts';
import { atlasError, clientMistake, unexpectedError } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Larger than any message of either face, small enough to keep thousands of them in memory. */
export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/** How long a client may take to send one request; keeps slow ones from holding sockets. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node looks who is late; by default it would be as long again. */
const CHECK_EVERY_MS = 5_000;

export interface ServerOptions {
  readonly logger: Logger;
  /** Certificate chain and key, PEM. Absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Addresses and blocks of proxies whose `X-Forwarded-For` is believed, from the right: the first entry that is none of them is the
   * caller. None by default, as anybody can send the header.
   */
  readonly trustedProxies?: readonly string[];
}

/**
 * An HTTP server without resources, on which the faces of Linkspan are registered. Bodies reach handlers as bytes: the link's
 * signatures are over them, and what is wrong with a body is for each face to say.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { logger } = options;
  const tuning: FastifyServerOptions = {
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    clientErrorHandler: answerMalformedRequest,
    forceCloseConnections: 'idle',
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    // Older Atlas CLIs join a base URL that ends in / with a path that begins with it. A whole URL means its path (RFC 9112 §3.2.2).
    rewriteUrl: (request) => (request.url ?? '/').replace(/^(https?:\/\/[^/?]*)?\/*/i, '/'),
    frameworkErrors: answerError,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  };
  const node = { connectionsCheckingInterval: CHECK_EVERY_MS };
  // With `https`, Fastify's type is another one; nothing that is used here differs.
  const listener = options.tls ? { https: { ...node, ...options.tls } } : { http: node };
  const app = fastify({ ...tuning, ...listener } as FastifyServerOptions);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
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
