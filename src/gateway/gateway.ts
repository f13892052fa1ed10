import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  askForDigest,
  awaitWantedState,
  type Control,
  takeReport,
  unlinkAgent,
  workOnDigests,
} from '../control/index.ts';
import { type FailedAttempts, LoopTime, pathOf } from '../http/index.ts';
import {
  ANSWER_HEADER,
  digestAskRequest,
  digestWorkRequest,
  pollRequest,
  proofHeaders,
  ReplayGuard,
  reportRequest,
  sealTo,
  signAnswer,
  signedHead,
  unlinkRequest,
} from '../link/index.ts';
import { type Logger, UserError } from '../platform/index.ts';
import { LeftOutFields } from './left-out-fields.ts';
import { linkProblem } from './link-problem.ts';
import { Redemptions } from './redemptions.ts';
import { RefusedAttempts } from './refused-attempts.ts';
import { headOf } from './request-proof.ts';
import { AgentRequests, readMessage } from './signed-request.ts';

/** Body limit for short messages: a token and a host name, or a revision and a key. */
const SHORT_BODY_BYTES = 8 * 1024;

/**
 * Registers the agents' HTTP API under `/link/v1`: redeem a link-token, long-poll the wanted state, report, and unlink. The agent's key
 * signs every request, and the server verifies the signature before it reads the body. The wanted state is sealed to a key in the
 * request. The control plane's keys sign every answer, refusals included. Errors are JSON `{error, errorCode, detail, remedy}`.
 */
export async function registerGateway(
  app: FastifyInstance,
  control: Control,
  logger: Logger,
  failedAttempts: FailedAttempts,
): Promise<void> {
  const refused = new RefusedAttempts(control, failedAttempts);
  const agents = new AgentRequests(control, new ReplayGuard(), refused);
  // Requests about digests are many. With nonces of their own, they use up nothing of polls and reports.
  const relayed = new AgentRequests(control, new ReplayGuard(), refused);
  const leftOutFields = new LeftOutFields(logger);
  const redemptions = new Redemptions(control, refused);
  const loopTime = new LoopTime(control.clock);
  await app.register(
    async (scope) => {
      scope.setErrorHandler((error, request, reply) => {
        const problem = linkProblem(error, pathOf(request.url));
        if (problem.error >= 500)
          logger.error(
            { event: 'agent_request.failed', err: error, path: pathOf(request.url) },
            'request of an agent failed',
          );
        return reply.code(problem.error).send(problem);
      });
      scope.setNotFoundHandler((request) => {
        throw new UserError('RESOURCE_NOT_FOUND', [pathOf(request.url)]);
      });

      scope.addHook('onSend', async (request, reply, payload) => {
        const answer = {
          requestHead: signedHead(headOf(request), request.headers),
          requestSignature: String(request.headers[proofHeaders.signature] ?? ''),
          status: reply.statusCode,
          body: typeof payload === 'string' ? payload : '',
        };
        reply.header(ANSWER_HEADER, signAnswer(control.serverKeys.signing, answer));
      });

      scope.post('/redeem', { bodyLimit: SHORT_BODY_BYTES }, async (request, reply) => {
        const { answer, host } = await redemptions.redeem(request, reply);
        logger.info(
          { event: 'agent.linked', agentId: answer.agentId, orgId: answer.orgId, host, address: request.ip },
          'agent linked',
        );
        return reply.code(201).send(answer);
      });

      scope.post('/poll', { ...agents.route, bodyLimit: SHORT_BODY_BYTES }, async (request, reply) => {
        const { agent } = agents.senderOf(request);
        const { revision, waitSeconds, answerKey } = readMessage(pollRequest, request);
        const wanted = await awaitWantedState(control, agent.id, revision, waitSeconds * 1000, hangUpOf(reply));
        return { sealed: seal(answerKey, JSON.stringify(wanted)) };
      });

      const assertTimeLeft = async (request: FastifyRequest) => {
        // rule: loop-time-of-organization
        if (loopTime.isUsedUp(agents.senderOf(request).agent.orgId)) throw new UserError('SERVER_BUSY');
      };
      scope.post('/report', { ...agents.route, preParsing: assertTimeLeft }, async (request) => {
        const { agent } = agents.senderOf(request);
        const read = () => readMessage(reportRequest, request, (fields) => leftOutFields.note(agent, fields));
        return await takeReport(control, agent.id, await loopTime.spend(agent.orgId, read));
      });

      scope.post('/digest-ask', { ...relayed.route, bodyLimit: SHORT_BODY_BYTES }, async (request, reply) => {
        const { answerKey, ...asked } = readMessage(digestAskRequest, request);
        const answer = await askForDigest(control, relayed.senderOf(request).agent, asked, hangUpOf(reply));
        return { sealed: seal(answerKey, JSON.stringify(answer)) };
      });

      scope.post('/digest-work', { ...relayed.route, bodyLimit: SHORT_BODY_BYTES }, async (request, reply) => {
        const { answerKey, ...sent } = readMessage(digestWorkRequest, request);
        const work = await workOnDigests(control, relayed.senderOf(request).agent, sent, hangUpOf(reply));
        return { sealed: seal(answerKey, JSON.stringify(work)) };
      });

      // rule: unlink-pending-agent
      scope.post('/unlink', { ...agents.routeOfUnlinking, bodyLimit: SHORT_BODY_BYTES }, async (request) => {
        const { agent } = agents.senderOf(request);
        readMessage(unlinkRequest, request);
        return { ended: await unlinkAgent(control, agent.id, request.ip) };
      });
    },
    { prefix: '/link/v1' },
  );
}

function seal(answerKey: string, text: string): string {
  try {
    return sealTo(answerKey, text);
  } catch {
    throw new UserError('LINK_MESSAGE_INVALID', ['answerKey: it is not an X25519 key']);
  }
}

/** A signal that aborts when the connection closes before the answer. */
function hangUpOf(reply: FastifyReply): AbortSignal {
  const hangUp = new AbortController();
  reply.raw.once('close', () => hangUp.abort());
  return hangUp.signal;
}
