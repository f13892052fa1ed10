import { type CutoverReport, dateOf, type Gate, type Progress } from '../../src/contract/index.ts';
import { verificationProgress } from '../../src/engine/report/verification-progress.ts';
import { type AgentClient, linkAgent, SOURCE_PROJECT } from '../gateway/agent-client.ts';
import type { ControlPlane } from './control-plane.ts';

export const DESTINATION = 'mongodb://mover:destination-canary@d1:27017/?replicaSet=rs';

export interface World {
  readonly plane: ControlPlane;
  readonly agent: AgentClient;
  readonly groupId: string;
  readonly path: string;
}

/** An organization with a project, registered destinations and a linked agent. */
export async function prepare(plane: ControlPlane, destination = DESTINATION): Promise<World> {
  const group = await plane.api('POST', '/api/atlas/v2/groups', { body: { name: 'p', orgId: plane.orgId } });
  const groupId = String(group.json.id);
  for (const name of ['C1', 'C2']) {
    const body = { name, connectionStrings: { standard: destination } };
    await plane.api('POST', `/api/atlas/v2/groups/${groupId}/clusters`, { body });
  }
  return { plane, agent: await linkAgent(plane), groupId, path: `/api/atlas/v2/groups/${groupId}/liveMigrations` };
}

/** The body that the official Atlas CLI sends, with its empty strings. */
export function cliBody(
  groupId: string,
  changes: { source?: object; destination?: object } & Record<string, unknown> = {},
) {
  const { source, destination, ...rest } = changes;
  return {
    destination: { clusterName: 'C1', groupId, hostnameSchemaType: '', ...destination },
    dropDestinationData: false,
    migrationHosts: ['host-1'],
    source: {
      caCertificatePath: '',
      clusterName: 'source',
      groupId: SOURCE_PROJECT,
      managedAuthentication: false,
      password: 'source-canary',
      ssl: false,
      username: 'reader',
      ...source,
    },
    ...rest,
  };
}

/** The only gate of a report that says ready. */
const PASSED: Gate = {
  name: 'RUNNING',
  state: 'PASSED',
  value: null,
  limit: null,
  reasons: [],
  measuredAt: null,
  etaSeconds: null,
};

/** The report of an agent about a migration half-way through its copy. */
export function progress(migrationId: string, changes: Partial<Progress> = {}): Progress {
  return {
    migrationId,
    state: 'COPYING',
    since: dateOf(0),
    phases: [],
    copy: {
      collectionsTotal: 1,
      collectionsDone: 0,
      collectionsQuarantined: 0,
      documentsTotal: 9,
      documentsCopied: 1,
      bytesTotal: 9,
      bytesCopied: 1,
      partitionsTotal: 1,
      partitionsDone: 0,
      restarts: 0,
    },
    indexes: { total: 0, built: 0, building: null },
    rates: { bytesPerSecond: 1, documentsPerSecond: 1, changesPerSecond: null },
    etaSeconds: 8,
    changes: { read: 0, applied: 0, duringCopy: 0, queued: 0 },
    lagSeconds: 7,
    readiness: changes.readyForCutover ? [PASSED] : [],
    readyForCutover: false,
    oplog: null,
    verification: verificationProgress('REPAIR'),
    repairs: null,
    notReadyReasons: ['the initial sync is under way'],
    canWrite: false,
    cutoverAttempts: [],
    pingMs: { source: 1, destination: 1 },
    addresses: { source: 's:1', destination: 'd:1' },
    warnings: [],
    findings: [],
    waiting: [],
    ...changes,
  };
}

/** A report of a cutover with one warning. */
export function cutoverReport(warning: string): CutoverReport {
  return {
    type: 'linkspan cutover',
    formatVersion: 1,
    linkspanVersion: '0.1.0',
    migrationId: 'a',
    isComplete: true,
    startedAt: null,
    endedAt: null,
    seconds: null,
    phases: [],
    pause: { milliseconds: 80, explanation: 'an explanation' },
    copied: { collections: 1, documents: 2, bytes: 3, changesApplied: 4 },
    indexes: { total: 2, unique: 1, expiring: 1 },
    verification: {
      mode: 'REPAIR',
      result: 'EQUAL',
      claim: 'a claim',
      documentsCompared: 2,
      documentsRechecked: 0,
      differed: 0,
      equalAt: '2026-11-01T12:00:00.000Z',
    },
    blocked: [{ what: 'the source', undo: 'a command' }],
    warnings: [warning],
    connectionStrings: { before: 'mongodb://a:1/', after: 'mongodb://b:1/' },
    cleanup: [{ what: 'records', command: 'linkspan cleanup' }],
    attempts: [
      {
        number: 1,
        startedAt: '2026-11-01T12:00:00.000Z',
        result: 'COMMITTED',
        stoppedMs: 80,
        steps: [{ name: 'drain', startedAt: '2026-11-01T12:00:00.000Z', durationMs: 80, reason: 'a reason' }],
      },
    ],
  };
}
