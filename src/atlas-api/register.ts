import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Control, Sessions, type SignInLinks } from '../control/index.ts';
import {
  atlasError,
  BODY_LIMIT_BYTES,
  clientMistake,
  type DigestAlgorithm,
  type FailedAttempts,
  isFromConsole,
  PLAIN,
  type Presentation,
  pathOf,
  present,
  readPresentation,
  remedyHeader,
  SharedAnswer,
  sendTextsAsTheyAre,
  unexpectedError,
} from '../http/index.ts';
import { type ErrorCode, type Logger, UserError } from '../platform/index.ts';
import { Authentication } from './authentication.ts';
import { isKnownToAtlas } from './not-served.ts';
import { registerOAuth } from './oauth.ts';
import { openApiDocument } from './open-api.ts';
import { queryOf, registerOperation, V1, V2 } from './operation-route.ts';
import { operations } from './operations.ts';
import { RateLimits } from './rate-limits.ts';
import { registerSessions } from './sessions.ts';
import { UpdateStreams } from './update-streams.ts';

export interface AtlasApiOptions {
  readonly logger: Logger;
  /** Shared by all APIs of a server. */
  readonly failedAttempts: FailedAttempts;
  /** Algorithms for HTTP digest; by default only MD5, as in Atlas. */
  readonly digestAlgorithms?: readonly DigestAlgorithm[];
  /** Links that sign in to the console without a secret; by default there are none. */
  readonly signInLinks?: SignInLinks;
  /** False: requests are not counted, and answers have no limit headers. */
  readonly rateLimits?: boolean;
}

/** Created on the first request: it needs all schemas, and few clients request it. */
let description: SharedAnswer | undefined;

/** Registers the Atlas Administration API on a server, and its description at `/openapi.json`. */
export async function registerAtlasApi(
  app: FastifyInstance,
  control: Control,
  options: AtlasApiOptions,
): Promise<void> {
  const { logger, failedAttempts, digestAlgorithms = ['MD5'], rateLimits = true, signInLinks } = options;
  const sessions = new Sessions(control);
  const authentication = new Authentication(control, failedAttempts, sessions, digestAlgorithms);
  const limits = rateLimits ? new RateLimits(control) : undefined;
  app.get('/openapi.json', async (request, reply) => {
    description ??= new SharedAnswer('application/json; charset=utf-8', JSON.stringify(openApiDocument(operations)));
    return description.send(request, reply);
  });

  await registerOAuth(app, control, failedAttempts);
  await registerSessions(app, { control, sessions, authentication, failedAttempts, limits, signInLinks });
  const streams = new UpdateStreams(control.clock);
  app.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  await app.register(async (scope) => {
    scope.decorateRequest('sender', null);
    // Authentication comes before the body is read, so that unauthenticated clients can't make the server read. Clients first request a
    // challenge, so this is the hot path. It waits only for the end of the event loop turn: answers written together wake their readers once.
    scope.addHook('onRequest', (request, _reply, done) => {
      if (request.headers.authorization === undefined) setImmediate(done);
      else done();
    });
    scope.addHook('onRequest', (request, reply, done) => {
      const isClaimed = request.headers.authorization !== undefined || isFromConsole(request);
      if (isClaimed) done();
      else authentication.challenge(reply, false);
    });
    scope.addHook('onRequest', async (request, reply) => {
      const sender = await authentication.senderOf(request, reply);
      if (!sender) return reply;
      request.sender = sender;
      const { orgId, name } = sender.actor;
      request.authenticated = { pool: 'clients', holder: { organization: orgId, account: name } };
      await limits?.count(request, reply, sender.actor, request.url.startsWith(V2) ? V2 : V1);
    });
    scope.setErrorHandler((error, request, reply) => {
      noteRefusal(control, error, request);
      answerError(error, request, reply, logger);
    });
    for (const operation of operations) {
      for (const prefix of [V1, V2]) registerOperation(scope, { control, authentication, streams }, operation, prefix);
    }
    // A catch-all route instead of a not-found handler, because everything under a prefix shares one not-found handler.
    scope.all(`${V1}/*`, notServed);
    scope.all(`${V2}/*`, notServed);
  });
}

/** Errors for a sender that lacks a role, that accesses another organization, or whose rights ended after the head of its request. */
const REFUSALS: readonly ErrorCode[] = [
  'USER_CANNOT_ACCESS_ORG',
  'USER_CANNOT_ACCESS_GROUP',
  'USER_UNAUTHORIZED',
  'NOT_ORG_OWNER',
  'NOT_ORG_GROUP_CREATOR',
  'UNAUTHORIZED',
  'IP_ADDRESS_NOT_ON_ACCESS_LIST',
  'RESOURCE_REQUIRES_ACCESS_LIST',
];

/** Records a refusal for the owners of the sender's own organization, so that no sender can fill another organization's record. */
function noteRefusal({ security }: Control, error: unknown, { sender, ip }: FastifyRequest): void {
  if (!sender || !(error instanceof UserError) || !REFUSALS.includes(error.code)) return;
  const { actor } = sender;
  security.note({
    type: 'API_REQUEST_UNAUTHORIZED',
    address: ip,
    reason: error.code,
    actor: { kind: actor.kind, name: actor.name },
    orgId: actor.orgId,
  });
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const path = pathOf(request.url);
  const mistake = clientMistake(error, path, BODY_LIMIT_BYTES);
  if (!mistake)
    logger.error({ event: 'http.request_failed', err: error, method: request.method, path }, 'request failed');
  const body = mistake ? atlasError(mistake) : unexpectedError();
  const headers = { 'content-type': 'application/json', 'x-error-code': body.errorCode, ...remedyHeader(mistake) };
  reply.code(body.error).headers(headers);
  void sendTextsAsTheyAre(reply).send(present(body.error, body, errorPresentation(request)));
}

/** The form of an error answer: the requested one, unless its parameters are invalid. */
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
