import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  CHALLENGE_BODY,
  createServer,
  DigestAuthenticator,
  digestSecrets,
  FailedAttempts,
  sendTextsAsTheyAre,
} from '../../http/index.ts';
import { type Clock, type Logger, messageOf, UserError } from '../../platform/index.ts';
import type { OpsManagerApiSettings } from '../configuration.ts';
import type { MigrationHost } from '../migration-host.ts';
import { registerMigrationLink } from './migration-link.ts';

/** Wrong credentials that are answered with the challenge; further ones are refused. */
const FAILURES_PER_MINUTE = 60;

interface Owner {
  readonly publicKey: string;
  readonly secrets: ReturnType<typeof digestSecrets>;
}

/**
 * Serves the Ops Manager calls that link and unlink the source (`/api/public/v1.0/orgs/{orgId}/liveExport`), on loopback, with HTTP digest.
 * Disposing stops the server.
 * @throws UserError PORT_IN_USE
 */
export async function openOpsManagerApi(
  settings: OpsManagerApiSettings,
  host: MigrationHost,
  logger: Logger,
  clock: Clock,
): Promise<AsyncDisposable & { readonly url: string }> {
  const { publicKey, privateKey, listen } = settings;
  const app = createServer({ logger });
  const secrets = digestSecrets(publicKey, privateKey);
  const digest = new DigestAuthenticator({
    nonceKey: randomBytes(32),
    find: async (username) => (username === publicKey ? { secrets, publicKey } : undefined),
    clock,
  });
  const failedAttempts = new FailedAttempts(FAILURES_PER_MINUTE, clock);
  app.addHook('onRequest', (request, reply) => authenticate(digest, failedAttempts, request, reply));
  registerMigrationLink(app, settings.orgId, host);
  return { url: await open(app, listen), [Symbol.asyncDispose]: () => app.close() };
}

/**
 * Answers a request without valid credentials with the challenge, before the body is read.
 * @throws UserError TOO_MANY_FAILED_ATTEMPTS
 */
async function authenticate(
  digest: DigestAuthenticator<Owner>,
  failedAttempts: FailedAttempts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { method, originalUrl, headers } = request;
  const { authorization } = headers;
  const outcome = await digest.authenticate(method, originalUrl, authorization, (username) =>
    failedAttempts.assertMayTry(request, reply, username),
  );
  if ('account' in outcome) {
    failedAttempts.succeeded(request, reply, outcome.account.publicKey);
    return undefined;
  }
  // The first request of each client has none.
  if (authorization !== undefined && !outcome.stale) failedAttempts.failed(request, reply, outcome.username);
  reply.code(401).header('content-type', 'application/json');
  reply.header('www-authenticate', digest.challenges(outcome.stale));
  return sendTextsAsTheyAre(reply).send(CHALLENGE_BODY);
}

async function open(app: FastifyInstance, listen: string): Promise<string> {
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(listen) ?? [];
  try {
    return await app.listen({ host, port: Number(port) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new UserError('PORT_IN_USE', [listen, 'opsManagerApi.listen of the configuration'], { cause: error });
    }
    throw new UserError('USAGE', [`Cannot listen on ${listen}: ${messageOf(error)}`], { cause: error });
  }
}
