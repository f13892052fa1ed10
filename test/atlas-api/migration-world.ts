import type { Progress } from '../../src/engine/index.ts';
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

/** The report of an agent about a migration half-way through its copy. */
export function progress(migrationId: string, changes: Partial<Progress> = {}): Progress {
  return {
    migrationId,
    state: 'copying',
    sinceMs: 0,
    phases: [],
    copy: {
      collectionsTotal: 1,
      collectionsDone: 0,
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
    readyForCutover: false,
    oplog: null,
    verification: verificationProgress('repair'),
    repairs: null,
    notReadyReasons: ['the initial copy is under way'],
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
