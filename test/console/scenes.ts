import { dateOf, type Progress } from '../../src/contract/index.ts';
import { expireMigrations } from '../../src/control/index.ts';
import type { RedeemResponse, ReportedLists } from '../../src/link/index.ts';
import { type Clock, systemClock } from '../../src/platform/index.ts';
import type { ControlPlane } from '../atlas-api/control-plane.ts';
import { cliBody, cutoverReport, DESTINATION, progress } from '../atlas-api/migration-world.ts';
import { AgentClient, createToken, SOURCE, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import { collectionsIn } from './reported-collections.ts';
import {
  ago,
  copied,
  copying,
  GIB,
  gates,
  MINUTE_MS,
  mismatch,
  NO_SPACE,
  open,
  ready,
  settled,
  shards,
  steps,
  unknown,
  verification,
} from './scene-figures.ts';

/** The system's clock, moved by a test: what happens while it is behind happened earlier. */
export class MovedClock implements Clock {
  offsetMs = 0;
  now = () => systemClock.now() + this.offsetMs;
  elapsed = systemClock.elapsed;
  sleep = systemClock.sleep;
  timeout = systemClock.timeout;
}

/** A migration from the cluster `orders` to `target`, and its agent. */
interface Shop {
  readonly groupId: string;
  readonly path: string;
  readonly id: string;
  readonly agent: AgentClient;
  readonly report: (changes: Partial<Progress>, lists?: ReportedLists) => Promise<unknown>;
  readonly ask: (wish: string, body?: object) => Promise<unknown>;
}

/** Starts a migration whose agent is the test. */
async function startShop(plane: ControlPlane): Promise<Shop> {
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'New home', orgId: plane.orgId } });
  const groupId = String(group.json.id);
  for (const name of ['target', 'archive']) {
    const body = { name, connectionStrings: { standard: DESTINATION } };
    await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body });
  }
  const agent = new AgentClient(plane.url, undefined, () => plane.control.clock.now());
  const redeemed = (await agent.redeem(await createToken(plane, [], 'mover-1'), 'mover-1')).json;
  agent.agentId = String((redeemed as unknown as RedeemResponse).agentId);
  const deployments = [{ ...SOURCE, name: 'orders' }];
  await agent.report({ inventory: [{ projectId: SOURCE_PROJECT, name: 'Shop', deployments }] });
  const path = `/api/atlas/v2/groups/${groupId}/liveMigrations`;
  const { json } = await plane.api('POST', path, { body: orderOf(groupId, 'target') });
  const id = String(json._id);
  return {
    groupId,
    path,
    id,
    agent,
    report: (changes, lists) =>
      agent.report({ migrations: [{ id, progress: progress(id, changes), ...(lists && { lists }) }] }),
    ask: (wish, body) => plane.api('PUT', `${path}/${id}/${wish}`, { body }),
  };
}

const orderOf = (groupId: string, clusterName: string) =>
  cliBody(groupId, { destination: { clusterName }, source: { clusterName: 'orders' }, migrationHosts: ['mover-1'] });

/** One state of a migration: what its agent reported and its operators asked for, over the real API. */
export interface Scene {
  readonly name: string;
  /** The word of the state on the page. */
  readonly word: string;
  /** Words of the headline that only this state has. */
  readonly says: string;
  readonly play: (started: Shop, plane: ControlPlane, clock: MovedClock) => Promise<unknown>;
}

async function cutOver(started: Shop, more: Partial<Progress> = {}): Promise<void> {
  await started.report(ready);
  await started.ask('cutover');
  const attempt = {
    number: 1,
    startedAt: dateOf(ago(0.02)),
    steps: steps(['checks', 'catch up', 'claim', 'block'], Date.now()),
  };
  await started.report({
    ...ready,
    state: 'COMMITTING',
    phases: [...(ready.phases ?? []), { name: 'CUTOVER' as const, startedAt: dateOf(ago(0.02)) }],
    cutoverAttempts: [attempt] as Progress['cutoverAttempts'],
    ...more,
  });
}

const done = (): Partial<Progress> => ({
  ...ready,
  state: 'COMMITTED',
  readiness: [],
  readyForCutover: false,
  canWrite: true,
  lagSeconds: null,
  phases: [
    ...(copied.phases ?? []).map((phase) => ({ ...phase, endedAt: phase.endedAt ?? dateOf(ago(0.1)) })),
    { name: 'CUTOVER', startedAt: dateOf(ago(0.1)), endedAt: dateOf(ago(0.09)) },
  ] as Progress['phases'],
  cutoverAttempts: [
    {
      number: 1,
      startedAt: dateOf(ago(0.1)),
      result: 'COMMITTED',
      stoppedMs: 84,
      steps: steps(
        ['checks', 'catch up', 'claim', 'block', 'barrier', 'drain', 'last look', 'commit', 'opening'],
        ago(0.09),
      ),
    },
  ] as Progress['cutoverAttempts'],
  cutoverReport: {
    ...cutoverReport('The source stays blocked for its users.'),
    verification: {
      ...cutoverReport('').verification,
      claim: 'Every document was compared by its bytes and is equal.',
    },
    blocked: [{ what: 'Users of the source', undo: 'linkspan cleanup "$SOURCE"' }],
    connectionStrings: { before: 'mongodb://orders-1.example:27017/', after: 'mongodb://target-1.example:27017/' },
    cleanup: [{ what: 'Records of the migration on the destination', command: 'linkspan cleanup "$DESTINATION"' }],
    copied: { collections: 68, documents: 719_445_051, bytes: 412 * GIB, changesApplied: 1_982_004 },
    pause: {
      milliseconds: 84,
      explanation: 'Users could not write from the block of the source until the destination opened.',
    },
    seconds: 8040,
    endedAt: new Date().toISOString(),
    indexes: { total: 143, unique: 12, expiring: 3 },
  },
});

/** Every state that the page tells apart. */
export const SCENES: readonly Scene[] = [
  { name: 'created', word: 'Waiting to start', says: 'for the agent to take the order', play: async () => undefined },
  {
    name: 'preparing',
    word: 'Preparing',
    says: 'checks both sides',
    play: (started) => started.report({ state: 'PREPARING', etaSeconds: null, lagSeconds: null }),
  },
  {
    name: 'copying',
    word: 'Copying',
    says: '280 GB of 442 GB (63 %) are copied',
    play: (started) =>
      started.report(
        {
          ...copying,
          readiness: gates({
            COPY: open(41, 68, '41 of 68 collections copied', 2380),
            LAG: unknown('the lag is not known yet'),
            RUNNING: open(null, null, 'it is copying'),
          }),
        },
        collectionsIn('COPYING'),
      ),
  },
  {
    name: 'building indexes',
    word: 'Building indexes',
    says: '141 of 143 indexes are built',
    play: (started) =>
      started.report({ ...copied, state: 'COPYING', indexes: { total: 143, built: 141, building: null } }),
  },
  {
    name: 'repairing',
    word: 'Repairing',
    says: 'Compared again: 2 of 5 collections.',
    play: (started) =>
      started.report({
        ...copied,
        repairs: {
          declared: 1,
          at: dateOf(ago(3)),
          reason: 'the oplog no longer reached back to the position of the stream',
          collections: 5,
          collectionsDone: 2,
          documentsCompared: 80_000,
          keysDiffered: 12,
        },
      }),
  },
  {
    name: 'verifying',
    word: 'Verifying',
    says: '61 % of the documents are compared. About 4 min 4 s left',
    play: (started) =>
      started.report(
        {
          ...copied,
          verification: verification(),
          readiness: gates({ DOCUMENTS: open(0, 0, 'the verification has yet to compare 1,204 documents again', 244) }),
        },
        collectionsIn('FOLLOWING'),
      ),
  },
  {
    name: 'catching up',
    word: 'Catching up',
    says: 'The destination is 41 s behind',
    play: (started) =>
      started.report({
        ...copied,
        lagSeconds: 41,
        etaSeconds: 90,
        verification: verification(),
        readiness: gates({ LAG: open(41, 10, 'the lag is 41 s, above 10 s', 90) }),
      }),
  },
  {
    name: 'ready',
    word: 'Ready to cut over',
    says: 'Cut over when your applications are ready',
    play: (started) => started.report(ready, collectionsIn('FOLLOWING')),
  },
  {
    name: 'waiting',
    word: 'Waiting',
    says: 'It waits for the destination',
    play: (started) =>
      started.report({
        ...copying,
        waiting: [{ for: 'the destination', since: dateOf(ago(3)), reason: 'no primary: the set elects one' }],
        readiness: gates({ WAITS: open(1, 0, 'it waits for the destination: no primary') }),
      }),
  },
  {
    name: 'host lost',
    word: 'Agent lost',
    says: 'Start the agent on mover-1',
    play: async (started, _plane, clock) => {
      clock.offsetMs = -5 * MINUTE_MS;
      await started.report(ready);
      clock.offsetMs = 0;
    },
  },
  {
    name: 'paused',
    word: 'Paused',
    says: 'oplog lasts for about 1 d 14 h more',
    play: async (started) => {
      await started.report(copying);
      await started.ask('pause');
      await started.report({ ...copying, state: 'PAUSED', lagSeconds: null });
    },
  },
  {
    name: 'drops',
    word: 'Waiting for you',
    says: 'Confirm the drops',
    play: (started) =>
      started.report({
        ...copied,
        verification: settled,
        readiness: gates({
          DROPS: { state: 'BLOCKED', reasons: ['9 of 68 collections were dropped on the source within a minute'] },
        }),
      }),
  },
  {
    name: 'mismatches',
    word: 'Differences found',
    says: 'Source and destination differ in 1 document',
    play: (started) =>
      started.report({
        ...copied,
        oplog: null,
        shards,
        verification: verification({
          mode: 'REPORT',
          mismatches: { found: 3, open: 1, latest: [mismatch] },
          externalWrites: 2,
        }),
        readiness: gates({
          DOCUMENTS: { state: 'BLOCKED', value: 1, limit: 0, reasons: ['source and destination differ in 1 document'] },
        }),
      }),
  },
  {
    name: 'source blocked',
    word: 'Cutting over',
    says: 'are stopped while the last changes',
    play: (started) =>
      cutOver(started, {
        cutover: { requestedAt: dateOf(Date.now()), blocking: true, sourceBlockedAt: dateOf(Date.now() - 100) },
      }),
  },
  {
    name: 'cutover begins',
    word: 'Cutting over',
    says: 'Users still write to the source',
    play: (started) => cutOver(started),
  },
  {
    name: 'complete',
    word: 'Complete',
    says: 'takes the writes of your applications',
    play: async (started) => {
      await cutOver(started);
      await started.report(done());
    },
  },
  {
    name: 'complete, and its source was written to',
    word: 'Complete, with problems',
    says: 'After the commit, the source received 24,715 changes in shop.orders.',
    play: async (started) => {
      const cutover = { requestedAt: dateOf(Date.now()), blocking: true };
      await cutOver(started);
      await started.report({
        ...done(),
        cutover: { ...cutover, watchStart: { token: `82${'0'.repeat(16)}2B`, sourceId: '5e'.repeat(12) } },
      });
      const watch = {
        token: `82${'0'.repeat(16)}2B00`,
        until: dateOf(0),
        watchedTo: dateOf(Date.now()),
        changes: 24_715,
      };
      const watches = [{ id: started.id, watch: { ...watch, namespaces: ['shop.orders'] } }];
      await started.agent.report({ watches });
    },
  },
  {
    name: 'failed',
    word: 'Failed',
    says: 'Fix the cause',
    play: (started) =>
      started.report({
        ...copying,
        state: 'FAILED',
        error: NO_SPACE,
      }),
  },
  {
    name: 'cancelled',
    word: 'Cancelled',
    says: 'Start a new migration',
    play: async (started) => {
      await started.report(copying);
      await started.ask('cancel', { dropCopiedData: false });
      await started.report({ ...copying, state: 'CANCELLED' });
    },
  },
  {
    name: 'expired',
    word: 'Expired',
    says: 'Start a new migration',
    play: async (started, plane, clock) => {
      clock.offsetMs = -121 * 60 * MINUTE_MS;
      await started.report(ready);
      clock.offsetMs = 0;
      await expireMigrations(plane.control);
    },
  },
];

/** Starts a migration and plays a scene. @returns the address of its page, after the server's */
export async function play(scene: Scene, plane: ControlPlane, clock: MovedClock): Promise<string> {
  const started = await startShop(plane);
  await scene.play(started, plane, clock);
  return `/#/projects/${started.groupId}/migrations/${started.id}`;
}

/** Plays several migrations of one project: one that failed, and one that copies. @returns the address of their list */
export async function playHome(plane: ControlPlane): Promise<string> {
  const started = await startShop(plane);
  await started.report({ ...copying, state: 'FAILED', error: NO_SPACE });
  const body = orderOf(started.groupId, 'archive');
  const { json } = await plane.api('POST', started.path, { body });
  const id = String(json._id);
  await started.agent.report({ migrations: [{ id, progress: progress(id, copying) }] });
  return '/';
}
