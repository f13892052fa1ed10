import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type AgentOptions } from '../../src/agent/agent.ts';
import { establishLink } from '../../src/agent/establish-link.ts';
import { silentLogger, systemClock } from '../../src/platform/index.ts';
import { AtlasClient } from '../../test/support/atlas-client.ts';
import { type LinkspanProcess, runLinkspan } from '../../test/support/linkspan-process.ts';
import { freePort } from '../../test/support/mongod-process.ts';
import { TokenSource } from './token-source.ts';

const ORG_ID = 'ab'.repeat(12);
const ENVIRONMENT = {
  LINKSPAN_BOOTSTRAP_ORG_ID: ORG_ID,
  LINKSPAN_BOOTSTRAP_PUBLIC_KEY: 'benchkey',
  LINKSPAN_BOOTSTRAP_PRIVATE_KEY: 'a-private-key-of-the-benchmark',
  LINKSPAN_RATE_LIMITS: 'off',
  // All agents come from one address.
  LINKSPAN_MAX_CONNECTIONS_PER_ADDRESS: 'off',
};
const LINKED_AT_ONCE = 20;
/** Every agent reports every 10 s. A multiple of that has the same load in each window. */
const STEADY_SECONDS = 20;
const AFTER_SECONDS = 20;

/**
 * Kills a server while real agents are connected, and starts it again.
 * @param folder  folder for the data of server and agents
 * @returns successful requests in the busiest second after the restart ÷ in an average second before it
 */
export async function restartPeak(folder: string, agents: number): Promise<number> {
  const port = await freePort();
  const serve = async () => {
    const args = ['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', join(folder, 'data')];
    const server = runLinkspan(args, { env: ENVIRONMENT });
    await server.waitForLine(/ready at /);
    return server;
  };
  let server: LinkspanProcess = await serve();
  const stop = new AbortController();
  const requests = new Set<Request>();
  const running: Promise<void>[] = [];
  try {
    const { LINKSPAN_BOOTSTRAP_PUBLIC_KEY: publicKey, LINKSPAN_BOOTSTRAP_PRIVATE_KEY: privateKey } = ENVIRONMENT;
    const url = `http://127.0.0.1:${port}`;
    const tokens = new TokenSource(url, new AtlasClient(url, publicKey, privateKey));
    const start = async (at: number) => {
      const [dataDir, host, token] = [join(folder, `agent-${at}`), `host-${at}`, await tokens.next()];
      const { client } = await establishLink({ dataDir, host, token, clock: systemClock }, stop.signal);
      const configuration = { host, dataDir, plainHttp: 'loopback', projects: [] } as const;
      const counting = noting(client, requests);
      running.push(new Agent({ configuration, client: counting, logger: silentLogger }).run(stop.signal));
    };
    for (let first = 0; first < agents; first += LINKED_AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(LINKED_AT_ONCE, agents - first) }, (_, at) => start(first + at)));
    }
    const steady = await perSecond(STEADY_SECONDS, requests);
    server.kill('SIGKILL');
    await server.exit;
    server = await serve();
    const after = await perSecond(AFTER_SECONDS, requests);
    return Math.max(...after) / (steady.reduce((sum, count) => sum + count, 0) / STEADY_SECONDS);
  } finally {
    stop.abort();
    await Promise.all(running);
    await server[Symbol.asyncDispose]();
  }
}

interface Request {
  readonly sentAtMs: number;
}

/** Counts the requests in each of the next seconds. */
async function perSecond(seconds: number, requests: Set<Request>): Promise<number[]> {
  requests.clear();
  const beganMs = performance.now();
  await delay(seconds * 1000);
  const counts = new Array<number>(seconds).fill(0);
  for (const { sentAtMs } of requests) {
    const second = Math.floor((sentAtMs - beganMs) / 1000);
    if (second < seconds) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

/** Records requests and removes failed ones. A poll that waits counts as successful. */
function noting(client: AgentOptions['client'], requests: Set<Request>): AgentOptions['client'] {
  const note = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    const request = { sentAtMs: performance.now() };
    requests.add(request);
    try {
      return await send();
    } catch (error) {
      requests.delete(request);
      throw error;
    }
  };
  return {
    get clockAheadMs() {
      return client.clockAheadMs;
    },
    get keysUnstored() {
      return client.keysUnstored;
    },
    poll: (...request) => note(() => client.poll(...request)),
    report: (...request) => note(() => client.report(...request)),
    askForDigest: (...request) => note(() => client.askForDigest(...request)),
    workOnDigests: (...request) => note(() => client.workOnDigests(...request)),
  };
}
