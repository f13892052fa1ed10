import type { RedeemResponse } from '../../src/link/index.ts';
import { AgentClient } from '../../test/gateway/agent-client.ts';
import type { TokenSource } from './token-source.ts';

const AT_ONCE = 50;

/** Linked agents that wait in long polls while a benchmark wants them to. */
export class PollingAgents {
  readonly #agents: readonly AgentClient[];

  private constructor(agents: readonly AgentClient[]) {
    this.#agents = agents;
  }

  /** Links agents to a control plane. */
  static async link(url: string, count: number, tokens: TokenSource): Promise<PollingAgents> {
    const agents: AgentClient[] = [];
    const link = async (at: number) => {
      const agent = new AgentClient(url);
      const answer = await agent.redeem(await tokens.next(), `host-${at}`);
      if (answer.status !== 201) throw new Error(`An agent's redemption: ${answer.text}`);
      agent.agentId = (answer.json as unknown as RedeemResponse).agentId;
      agents.push(agent);
    };
    for (let first = 0; first < count; first += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, at) => link(first + at)));
    }
    return new PollingAgents(agents);
  }

  /** Keeps every agent in a long poll until disposal. */
  async poll(): Promise<Disposable> {
    const stop = new AbortController();
    for (let first = 0; first < this.#agents.length; first += AT_ONCE) {
      const some = this.#agents.slice(first, first + AT_ONCE);
      const answers = await Promise.all(some.map((agent) => agent.poll(null)));
      for (const [at, agent] of some.entries()) void wait(agent, String(answers[at]?.json.revision), stop.signal);
    }
    return { [Symbol.dispose]: () => stop.abort() };
  }
}

async function wait(agent: AgentClient, revision: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = await agent.poll(revision, 60, signal).catch(() => undefined);
    if (answer !== undefined && answer.status !== 200) throw new Error(`An agent's poll: ${answer.text}`);
  }
}
