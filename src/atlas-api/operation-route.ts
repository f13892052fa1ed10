import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Actor,
  assertStillAdmitted,
  authorizePlace,
  type Control,
  controlFor,
  type Sender,
} from '../control/index.ts';
import {
  bodyOf,
  bodyVersion,
  negotiateVersion,
  PLAIN,
  type Presentation,
  pathOf,
  present,
  readBody,
  readPresentation,
  sendTextsAsTheyAre,
  versionedMediaType,
} from '../http/index.ts';
import { UserError } from '../platform/index.ts';
import type { Authentication } from './authentication.ts';
import type { AnyOperation } from './operation.ts';
import { asksForUpdates, type UpdateStreams } from './update-streams.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The sender of the request; the authentication before every Atlas resource sets it. */
    sender: Sender | null;
  }
}

/** The prefixes of both API versions. Under v1.0 every operation has its oldest version and plain JSON. */
export const V1 = '/api/atlas/v1.0';
export const V2 = '/api/atlas/v2';

/** Larger than any body that a schema accepts. */
const BODY_BYTES = 64 * 1024;

/** The parts that operations share: the use cases' dependencies, and the streams of updates. */
export interface OperationParts {
  readonly control: Control;
  readonly authentication: Authentication;
  readonly streams: UpdateStreams;
}

/** Registers an operation under one of the prefixes: version negotiation, body, handler, and the form of the answer. */
export function registerOperation(
  scope: FastifyInstance,
  { control, authentication, streams }: OperationParts,
  operation: AnyOperation,
  prefix: string,
): void {
  const versions = operation.versions.map(({ version }) => version);
  const oldest = versions[0] ?? '';
  const isVersioned = prefix === V2;
  const authorizing = (role: NonNullable<AnyOperation['role']>) => async (request: FastifyRequest) => {
    const place = request.params as { readonly orgId?: string; readonly groupId?: string };
    // rule: authorize-before-body
    await authorizePlace(control.store, senderOf(request).actor, place, role);
  };
  scope.route({
    method: operation.method,
    url: prefix + operation.path.replace(/\{(\w+)\}/g, ':$1'),
    onRequest: (request, reply, done) => {
      if (!isVersioned || (operation.live && asksForUpdates(request))) {
        reply.header('content-type', 'application/json');
        return done();
      }
      const served = negotiateVersion(versions, request.headers.accept);
      announceSunset(operation, served, request, reply, control.clock.now());
      reply.header('content-type', `${versionedMediaType(served)};charset=utf-8`);
      done();
    },
    bodyLimit: BODY_BYTES,
    ...(operation.role !== undefined && { preParsing: authorizing(operation.role) }),
    handler: async (request, reply) => {
      const sender = senderOf(request);
      // The head was checked before the body, for which the client may have taken its time.
      // rule: recheck-sender-after-body
      await assertStillAdmitted(control, control.store, sender);
      const query = queryOf(request);
      const presentation = readPresentation(query);
      assertKnown(operation, query);
      const body = readOperationBody(request, operation, isVersioned ? versions : [oldest]);
      const handle = (actor: Actor) =>
        operation.handle({
          control: controlFor(control, sender),
          actor,
          path: (name) => parameterOf(request, name),
          query,
          body: body as never,
          idempotencyKey: operation.takesIdempotencyKey ? idempotencyKeyOf(request) : null,
          address: control.publicUrl() + pathOf(request.url),
        });
      const { actor } = sender;
      if (operation.live && asksForUpdates(request)) {
        const check = authentication.checkAgain(request, reply, actor);
        const read = async (checked: Actor) => present(operation.status, await handle(checked), PLAIN);
        return await streams.answer(request, reply, { actor, check, read });
      }
      const answer = await handle(actor);
      sendTextsAsTheyAre(reply.code(operation.status));
      return bodyOfAnswer(operation, answer, presentation);
    },
  });
}

/**
 * Sets the headers of a superseded version until its sunset.
 * @throws UserError VERSION_GONE after the sunset
 */
function announceSunset(
  operation: AnyOperation,
  served: string,
  request: FastifyRequest,
  reply: FastifyReply,
  nowMs: number,
): void {
  const superseded = operation.versions.find(({ version }) => version === served)?.superseded;
  if (!superseded) return;
  const { deprecation, sunset } = superseded;
  reply.headers({ deprecation, sunset });
  if (nowMs >= Date.parse(sunset)) throw new UserError('VERSION_GONE', [served, pathOf(request.url).slice(1)]);
}

function bodyOfAnswer({ status, response }: AnyOperation, answer: unknown, presentation: Presentation) {
  if (response) return present(status, answer, presentation);
  // The envelope has the status for clients that see none, but a 204 may not have a body.
  return presentation.envelope && status !== 204 ? present(status, {}, presentation) : undefined;
}

/** Reads the body with the schema of its version; undefined if the operation has no body. */
function readOperationBody(request: FastifyRequest, operation: AnyOperation, versions: readonly string[]): unknown {
  const hasBody = operation.versions.some(({ body }) => body !== undefined);
  if (!hasBody) return undefined;
  const { accept, 'content-type': contentType } = request.headers;
  // The Content-Type names the body's version. For plain JSON, the Accept header does.
  const named =
    bodyVersion(versions, contentType) ?? (versions.length > 1 ? negotiateVersion(versions, accept) : versions[0]);
  const schema = operation.versions.find(({ version }) => version === named)?.body;
  if (!schema) throw new Error(`${operation.operationId} has no body in version ${named}`);
  return readBody(schema, bodyOf(request));
}

function senderOf(request: FastifyRequest): Sender {
  if (!request.sender) throw new Error('A handler was reached without authentication');
  return request.sender;
}

function parameterOf(request: FastifyRequest, name: string): string {
  const value: unknown = Reflect.get(Object(request.params), name);
  return typeof value === 'string' ? value : '';
}

/**
 * Checks that an operation that reads has each query parameter of a request. Atlas ignores unknown ones, so only extensions refuse them.
 * @throws UserError UNKNOWN_QUERY_PARAMETER
 */
function assertKnown({ method, extension, query: own = [] }: AnyOperation, query: URLSearchParams): void {
  if (!extension || method !== 'GET') return;
  const known: readonly string[] = [...own, 'envelope', 'pretty'];
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UserError('UNKNOWN_QUERY_PARAMETER', [unknown.slice(0, 100), known.join(', ')]);
}

/** @throws UserError INVALID_IDEMPOTENCY_KEY */
function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !/^[!-~]{1,255}$/.test(key)) throw new UserError('INVALID_IDEMPOTENCY_KEY');
  return key;
}

/** The query of a request. It may contain another `?`. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const mark = request.url.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : request.url.slice(mark + 1));
}
