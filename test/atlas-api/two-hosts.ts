import { type WantedAgentState, wantedState } from '../../src/link/index.ts';
import { type AgentClient, createToken, linkAgent } from '../gateway/agent-client.ts';
import { type ApiResponse, type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import { FakeClock } from './fake-clock.ts';
import { cliBody, DESTINATION, progress } from './migration-world.ts';

/** How a standby finds the record of a migration. */
export type FoundRecord = 'WRITTEN' | 'SILENT' | 'UNREAD';

/** The longest time between two reports of an agent. */
const REPORT_EVERY_MS = 10_000;

/** A migration that the agent on `leader` leads, while the one on `standby`, of the same link-token, stands by. */
export interface TwoHosts extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly clock: FakeClock;
  readonly leader: AgentClient;
  readonly standby: AgentClient;
  readonly groupId: string;
  readonly id: string;
  /** Lets time pass in which both agents report. */
  readonly passHeard: (ms: number, record?: FoundRecord) => Promise<void>;
  /** Lets time pass in which only the standby reports. */
  readonly passSilent: (ms: number, record?: FoundRecord) => Promise<void>;
  /** Lets the leader report the migration. */
  readonly runs: () => Promise<void>;
  /** Lets the standby report how it finds the record. */
  readonly standsBy: (record?: FoundRecord) => Promise<void>;
  readonly wanted: (agent: AgentClient) => Promise<WantedAgentState>;
  /** Which of both gets the order of the migration. */
  readonly leading: () => Promise<string>;
  readonly ask: (request: string, body?: object) => Promise<ApiResponse>;
  // biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test reads something else
  readonly show: () => Promise<any>;
}

export async function startTwoHosts(options: ControlPlaneOptions = {}): Promise<TwoHosts> {
  const clock = new FakeClock();
  const plane = await startControlPlane({ clock, ...options });
  const token = await createToken(plane, [], undefined, 2);
  const leader = await linkAgent(plane, 'leader', token);
  const standby = await linkAgent(plane, 'standby', token);
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const groupId = String(group.json.id);
  for (const name of ['C1', 'C2']) {
    const body = { name, connectionStrings: { standard: DESTINATION } };
    await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body });
  }
  const path = `/api/atlas/v2/groups/${groupId}/liveMigrations`;
  const created = await plane.api('POST', path, { body: cliBody(groupId, { migrationHosts: ['leader'] }) });
  const id = String(created.json._id);
  const pass = async (ms: number, isLeaderHeard: boolean, record: FoundRecord) => {
    for (let left = ms; left > 0; left -= REPORT_EVERY_MS) {
      clock.nowMs += Math.min(left, REPORT_EVERY_MS);
      if (isLeaderHeard) await leader.report({});
      await standby.report({ standbys: [{ id, record }] });
    }
  };
  const wanted = async (agent: AgentClient) => wantedState.parse((await agent.poll(null)).json);
  return {
    plane,
    clock,
    leader,
    standby,
    groupId,
    id,
    passHeard: (ms, record = 'WRITTEN') => pass(ms, true, record),
    passSilent: (ms, record = 'SILENT') => pass(ms, false, record),
    runs: async () => void (await leader.report({ migrations: [{ id, progress: progress(id) }] })),
    standsBy: async (record = 'WRITTEN') => void (await standby.report({ standbys: [{ id, record }] })),
    wanted,
    leading: async () => {
      const ofBoth = [
        ['leader', await wanted(leader)],
        ['standby', await wanted(standby)],
      ] as const;
      return ofBoth
        .filter(([, { migrations, watches }]) => [...migrations, ...watches].some((one) => one.id === id))
        .map(([host]) => host)
        .join(' and ');
    },
    ask: (request, body) => plane.api('PUT', `${path}/${id}/${request}`, { body }),
    show: async () => (await plane.api('GET', `${path}/${id}`)).json,
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}
