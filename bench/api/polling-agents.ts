import type { RedeemResponse } from '../../src/link/index.ts';
import { AgentClient } from '../../test/gateway/agent-client.ts';
import type { Listening } from './server-process.ts';

const AT_ONCE = 50;

/** The number of agents so far: a host that is linked a second time has to be approved first. */
let hosts = 0;

/** Links agents, each of which waits in a long poll until disposal. @param newToken  returns an unused link-token */
export async function startPollingAgents(
  server: Listening,
  count: number,
  newToken: () => Promise<string>,
): Promise<Disposable> {
  const stop = new AbortController();
  const link = async () => {
    const agent = new AgentClient(`http://127.0.0.1:${server.port}`);
    const answer = (await agent.redeem(await newToken(), `host-${hosts++}`)).json as unknown as RedeemResponse;
    agent.agentId = answer.agentId;
    const { revision } = (await agent.poll(null)).json as unknown as { revision: string };
    void poll(agent, revision, stop.signal);
  };
  for (let first = 0; first < count; first += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - first) }, link));
  }
  return { [Symbol.dispose]: () => stop.abort() };
}

async function poll(agent: AgentClient, revision: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = await agent.poll(revision, 60, signal).catch(() => undefined);
    if (answer !== undefined && answer.status !== 200) throw new Error(`An agent's poll: ${answer.text}`);
  }
}
