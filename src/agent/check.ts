import { shownBytes } from '../contract/index.ts';
import { checkCluster, inspectCluster } from '../engine/index.ts';
import { parseLinkToken } from '../link/index.ts';
import { type Clock, messageOf, redact, UserError } from '../platform/index.ts';
import { AgentStore } from './agent-store.ts';
import type { AgentConfiguration } from './configuration.ts';
import { LinkClient } from './link-client.ts';
import { LinkTransport, type ServerAddress } from './link-transport.ts';
import { deploymentAddress } from './source-address.ts';

/** Result of one check. */
export interface CheckFinding {
  readonly subject: string;
  readonly ok: boolean;
  /** The result; for a failed check also the remedy and the error code. */
  readonly message: string;
}

const ANSWER_WITHIN_MS = 15_000;

/**
 * Checks everything that an agent needs, one thing after the other. Changes nothing: creates no key and redeems no token.
 * @param token  the link-token's text, if there is one
 */
export async function* checkAgent(
  configuration: AgentConfiguration,
  token: string | undefined,
  clock: Clock,
): AsyncGenerator<CheckFinding> {
  const { dataDir, plainHttp, projects, digests = [] } = configuration;
  let linked: LinkClient | undefined;
  let server: ServerAddress | undefined;
  yield await finding('key and link', async () => {
    const store = AgentStore.existing(dataDir);
    const link = store?.link();
    if (store && link) {
      server = { ...link, plainHttp };
      const { agentId, serverKeys } = link;
      // Only the running agent stores new server keys.
      const identity = { agentId, serverKeys, keepServerKeys: () => undefined };
      linked = new LinkClient(new LinkTransport(server), store.key(), identity, clock);
      return `linked to organization ${link.orgId}`;
    }
    if (token === undefined) throw new UserError('LINK_TOKEN_MISSING', [dataDir]);
    const { id, ...rest } = parseLinkToken(token);
    server = { ...rest, plainHttp };
    return `not linked yet; link-token ${id} is well-formed, and the first start redeems it`;
  });
  if (server) yield await finding(`control plane ${server.serverUrl}`, () => askServer(server, linked, clock));
  for (const { name: project, deployments } of digests) {
    for (const deployment of deployments) {
      yield await finding(`destination ${project}/${deployment.name}`, async () => {
        const seen = await inspectCluster({ ...deploymentAddress(deployment), isExternal: false }, 'destination');
        if (seen.clusterId === '') throw new Error('the user may not read its replicaSetId: grant it clusterMonitor');
        return `MongoDB ${seen.mongoDBVersion}, primary ${seen.primary}`;
      });
    }
  }
  for (const { name: project, deployments } of projects) {
    for (const deployment of deployments) {
      yield await finding(`source ${project}/${deployment.name}`, async () => {
        const seen = await inspectCluster(deploymentAddress(deployment));
        const [stops] = checkCluster(seen, 'source', {});
        if (stops !== undefined) throw stops.error;
        return `MongoDB ${seen.mongoDBVersion}, ${shownBytes(seen.dbSizeBytes)}, ${seen.sharded ? 'router' : 'primary'} ${seen.primary}`;
      });
    }
  }
}

async function askServer(
  server: ServerAddress | undefined,
  linked: LinkClient | undefined,
  clock: Clock,
): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  if (linked) {
    await linked.poll({ revision: null, waitSeconds: 0 }, signal);
    return `knows this agent; ${clockSays(linked.clockAheadMs)}`;
  }
  if (!server) throw new Error('no server');
  // The request is not signed. A Linkspan server refuses it with PROOF_MISSING; another server answers differently.
  const answer = await new LinkTransport(server).post('/link/v1/poll', {}, '{}', signal);
  if (!answer.text.includes('PROOF_MISSING')) {
    throw new UserError('CONTROL_PLANE_REFUSED', [server.serverUrl, `HTTP ${answer.status}`]);
  }
  return `answers; ${clockSays(answer.serverTimeMs === undefined ? undefined : clock.now() - answer.serverTimeMs)}`;
}

function clockSays(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return 'its clock is unknown';
  const seconds = Math.round(aheadMs / 1000);
  if (Math.abs(seconds) <= 2) return 'the clocks agree';
  return `this clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} its`;
}

async function finding(subject: string, look: () => Promise<string>): Promise<CheckFinding> {
  try {
    return { subject, ok: true, message: await look() };
  } catch (error) {
    const said = redact(messageOf(error));
    return {
      subject,
      ok: false,
      message: error instanceof UserError ? `${said} ${error.remedy} [${error.code}]` : said,
    };
  }
}
