import { mock } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { showMigration } from '../../src/atlas-api/live-migrations.ts';
import { migrationText } from '../../src/cli/administration/migration-text.ts';
import { describeView, viewOf } from '../../src/cli/progress/index.ts';
import type { LiveMigration } from '../../src/console/api/types.ts';
import { headlineOf } from '../../src/console/panels/headline.ts';
import { FIRST_ORDER, type Progress, STAGES, stageOfRun } from '../../src/contract/index.ts';
import type { Control, Kind, Migration } from '../../src/control/index.ts';
import { reportRequest } from '../../src/link/messages.ts';
import { engineSamples } from '../../src/metrics/index.ts';
import { progressResponse } from '../../src/sync/progress-response.ts';
import { sessionState } from '../../src/sync/session-state.ts';

/** A recorded progress of an engine, and when it was read. */
export interface Snapshot {
  readonly atMs: number;
  readonly progress: Progress;
}

/** One snapshot as each part of Linkspan shows it. */
export interface Faces {
  /** `GET …/liveMigrations/{id}`, after the report of an agent. */
  readonly api: unknown;
  /** The headline of its page in the console, from that answer. */
  readonly console: unknown;
  /** `linkspan migration describe`, from that answer. */
  readonly describe: readonly string[];
  /** `GET /api/v1/progress` of `linkspan sync`. */
  readonly sync: unknown;
  /** The line of `linkspan sync`. */
  readonly line: string;
  /** Samples of the process that runs the engine. */
  readonly metrics: readonly string[];
}

const AGENT_ID = '0000000000000000000000a1';
const ENDED: Partial<Record<Progress['state'], 'COMPLETE' | 'FAILED'>> = {
  COMMITTED: 'COMPLETE',
  CANCELLED: 'FAILED',
  FAILED: 'FAILED',
};

/** Renders a snapshot at the time at which it was read. */
export async function facesOf({ atMs, progress }: Snapshot): Promise<Faces> {
  const clock = mock.method(Date, 'now', () => atMs);
  try {
    const api = await apiOf(atMs, progress);
    const wanted = progress.state === 'PAUSED' ? 'PAUSED' : 'RUNNING';
    const stage = stageOfRun(progress, wanted, false);
    const view = viewOf(progress, stage, atMs);
    return {
      api,
      console: headlineOf(api as LiveMigration),
      describe: stripVTControlCharacters(migrationText(api)).split('\n'),
      sync: progressResponse(sessionState(progress, false), { source: 'cluster0', destination: 'cluster1' }, progress, {
        wanted,
        findings: progress.findings,
      }),
      line: [STAGES[stage], view.fraction?.toFixed(3), ...describeView(view)].join(' | '),
      metrics: engineSamples([{ progress }]).samples.map(({ name, labels, value }) =>
        [name, ...Object.entries(labels).map((pair) => pair.join('=')), value].join(' '),
      ),
    };
  } finally {
    clock.mock.restore();
  }
}

async function apiOf(atMs: number, sent: Progress): Promise<unknown> {
  const report = {
    sequence: 1,
    validations: [],
    migrations: [{ id: sent.migrationId, progress: sent }],
    takenOver: [],
  };
  const [reported] = reportRequest.parse(JSON.parse(JSON.stringify(report))).migrations;
  const progress = reported?.progress ?? null;
  const { state } = sent;
  const status = state === 'CREATED' ? 'NEW' : (ENDED[state] ?? 'WORKING');
  const migration = {
    id: sent.migrationId,
    orgId: '0000000000000000000000b1',
    groupId: '0000000000000000000000c1',
    agentId: AGENT_ID,
    host: 'agent.example.net',
    sourceGroupId: '0000000000000000000000c2',
    sourceClusterName: 'old',
    destinationClusterId: '0000000000000000000000d1',
    reversible: false,
    progress,
    failback: null,
    reportedAtMs: atMs,
    takenOver: null,
    move: null,
    labels: {},
    note: null,
    createdAtMs: atMs - 3_600_000,
    updatedAtMs: atMs,
    state: {
      status,
      order: { ...FIRST_ORDER, wanted: state === 'CANCELLED' || state === 'PAUSED' ? state : 'RUNNING' },
      orderSent: true,
      readyForCutover: sent.readyForCutover,
      windowEndsAtMs: null,
      endedAtMs: status === 'NEW' || status === 'WORKING' ? null : atMs,
      error: sent.error ?? null,
    },
  } as unknown as Migration;
  const agent = {
    id: AGENT_ID,
    host: 'agent.example.net',
    createdAtMs: 0,
    lastReportAtMs: atMs,
    heardSinceMs: 0,
  };
  const records: Partial<Readonly<Record<Kind, unknown>>> = { agents: agent, clusters: { name: 'new' } };
  const store = { get: async (kind: Kind) => records[kind], find: async () => [] };
  return await showMigration({ clock: { now: () => atMs }, store } as unknown as Control, migration);
}
