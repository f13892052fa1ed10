import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Actor, type Control, findAccount } from '../control/index.ts';
import {
  atlasError,
  BODY_LIMIT_BYTES,
  bodyOf,
  bodyVersion,
  CHALLENGE_BODY,
  clientMistake,
  DigestAuthenticator,
  negotiateVersion,
  PLAIN,
  type Presentation,
  pathOf,
  present,
  readBody,
  readPresentation,
  unexpectedError,
  versionedMediaType,
} from '../http/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { isKnownToAtlas } from './not-served.ts';
import { openApiDocument } from './open-api.ts';
import type { AnyOperation } from './operation.ts';
import { operations } from './operations.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set by the digest check in front of every Atlas resource. */
    actor: Actor | null;
  }
}

/** The prefixes of both API versions; under v1.0 every operation has its oldest form and plain JSON. */
const V1 = '/api/atlas/v1.0';
const V2 = '/api/atlas/v2';

/** The Atlas Administration API on a server, and its description at `/openapi.json`. */
export async function registerAtlasApi(app: FastifyInstance, control: Control, logger: Logger): Promise<void> {
  const authenticator = new DigestAuthenticator({
    nonceKey: control.sealer.deriveKey('digest nonces'),
    find: (publicKey) => findAccount(control, publicKey),
    clock: control.clock,
  });
  const description = openApiDocument(operations);
  app.get('/openapi.json', async () => description);

  await app.register(async (scope) => {
    scope.decorateRequest('actor', null);
    // Before the body is read: the challenge is the hot path, and nobody unknown makes the server read.
    scope.addHook('onRequest', async (request, reply) => {
      const { method, originalUrl, headers } = request;
      const outcome = await authenticator.authenticate(method, originalUrl, headers.authorization);
      if ('account' in outcome) {
        request.actor = outcome.account.actor;
        return;
      }
      reply.code(401).header('content-type', 'application/json');
      reply.header('www-authenticate', authenticator.challenges(outcome.stale));
      return reply.send(Buffer.from(CHALLENGE_BODY));
    });
    scope.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger));
    for (const operation of operations) {
      registerOperation(scope, control, operation, V1);
      registerOperation(scope, control, operation, V2);
    }
    // A catch-all and no not-found handler: those of a prefix are shared by all that is registered under it.
    scope.all(`${V1}/*`, notServed);
    scope.all(`${V2}/*`, notServed);
    scope.all(V1, notServed);
    scope.all(V2, notServed);
  });
}

function registerOperation(scope: FastifyInstance, control: Control, operation: AnyOperation, prefix: string): void {
  const versions = operation.versions.map(({ version }) => version);
  const oldest = versions[0] ?? '';
  const isVersioned = prefix === V2;
  scope.route({
    method: operation.method,
    url: prefix + operation.path.replace(/\{(\w+)\}/g, ':$1'),
    onRequest: async (request, reply) => {
      const served = isVersioned ? negotiateVersion(versions, request.headers.accept) : oldest;
      reply.header('content-type', isVersioned ? `${versionedMediaType(served)};charset=utf-8` : 'application/json');
    },
    handler: async (request, reply) => {
      const query = queryOf(request);
      const presentation = readPresentation(query);
      const body = readOperationBody(request, operation, isVersioned ? versions : [oldest]);
      const answer = await operation.handle({
        control,
        actor: actorOf(request),
        path: (name) => parameterOf(request, name),
        query,
        body: body as never,
        address: control.publicUrl() + pathOf(request.url),
      });
      reply.code(operation.status);
      return reply.send(operation.response ? present(operation.status, answer, presentation) : undefined);
    },
  });
}

/** What the schema of the body's version makes of the body; undefined where the operation has none. */
function readOperationBody(request: FastifyRequest, operation: AnyOperation, versions: readonly string[]): unknown {
  const hasBody = operation.versions.some(({ body }) => body !== undefined);
  if (!hasBody) return undefined;
  const { accept, 'content-type': contentType } = request.headers;
  // The body's own type tells its version; where it is plain JSON, the wanted answer's does.
  const named =
    bodyVersion(versions, contentType) ?? (versions.length > 1 ? negotiateVersion(versions, accept) : versions[0]);
  const schema = operation.versions.find(({ version }) => version === named)?.body;
  if (!schema) throw new Error(`${operation.operationId} has no body in version ${named}`);
  return readBody(schema, bodyOf(request));
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const path = pathOf(request.url);
  const mistake = clientMistake(error, path, BODY_LIMIT_BYTES);
  if (!mistake) logger.error({ err: error, method: request.method, path }, 'request failed');
  const body = mistake ? atlasError(mistake) : unexpectedError();
  reply.code(body.error).header('content-type', 'application/json').header('x-error-code', body.errorCode);
  void reply.send(present(body.error, body, errorPresentation(request)));
}

/** An error is presented as the answer would have been, unless just that is what was wrong. */
function errorPresentation(request: FastifyRequest): Presentation {
  try {
    return readPresentation(queryOf(request));
  } catch {
    return PLAIN;
  }
}

function notServed(request: FastifyRequest): never {
  const path = pathOf(request.url);
  const known = isKnownToAtlas(path.replace(/^\/api\/atlas\/v(1\.0|2)/, ''));
  throw new UserError(known ? 'RESOURCE_NOT_SERVED' : 'RESOURCE_NOT_FOUND', [path]);
}

function actorOf(request: FastifyRequest): Actor {
  if (!request.actor) throw new Error('A handler was reached without authentication');
  return request.actor;
}

function parameterOf(request: FastifyRequest, name: string): string {
  const value: unknown = Reflect.get(Object(request.params), name);
  return typeof value === 'string' ? value : '';
}

function queryOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.url.split('?').slice(1).join('?'));
}
