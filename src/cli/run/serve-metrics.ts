import {
  contactOfMigration,
  findOrganizations,
  linkedAgentsOf,
  type Migration,
  migrationsSince,
  ownersExpireAtMs,
  problemsOf,
  type SecurityEvents,
  type Store,
  type StoreReader,
  standbysOf,
} from '../../control/index.ts';
import { lastingSamples, MOST_SHOWN, migrationSamples, oneOf, type Sample } from '../../metrics/index.ts';

/** Long enough for an alert about a failure. */
const SHOWN_AFTER_END_MS = 24 * 3_600_000;
/** The statuses of the API, and CANCELLED, which is FAILED there. */
const STATUSES = ['NEW', 'WORKING', 'COMPLETE', 'FAILED', 'EXPIRED', 'CANCELLED'];

/**
 * Returns the samples of all migrations, agents and organizations in the store. An agent's report is shown while the agent is in
 * contact; after that only its silence, each migration's status, whether its source is blocked, and its last cutover.
 */
export async function serveSamples(
  store: StoreReader,
  nowMs: number,
): Promise<{ readonly samples: readonly Sample[]; readonly isComplete: boolean }> {
  const agents = [];
  const expirySamples: Sample[] = [];
  for (const { id } of await findOrganizations(store)) {
    agents.push(...(await linkedAgentsOf(store, id)));
    const expiresAtMs = await ownersExpireAtMs(store, id);
    if (expiresAtMs !== null)
      expirySamples.push({
        name: 'linkspan_owners_expiry_timestamp_seconds',
        labels: { organization: id },
        value: expiresAtMs / 1_000,
      });
  }
  const found = await migrationsSince(store, nowMs - SHOWN_AFTER_END_MS, MOST_SHOWN + 1);
  const migrations = found.slice(0, MOST_SHOWN);
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  const isHeard = (migration: Migration) => {
    const agent = byId.get(migration.agentId);
    return agent !== undefined && contactOfMigration(migration, agent, nowMs).status === 'CONNECTED';
  };
  const agentSamples = agents.slice(0, MOST_SHOWN).map(
    ({ id, host, lastReportAtMs, createdAtMs }): Sample => ({
      name: 'linkspan_agent_last_seen_timestamp_seconds',
      labels: { agent: id, host },
      value: (lastReportAtMs ?? createdAtMs) / 1_000,
    }),
  );
  const hostSamples: Sample[] = [];
  const destinations = await Promise.all(
    migrations.map(({ destinationClusterId }) => store.get('clusters', destinationClusterId)),
  );
  for (const migration of migrations) {
    const leader = byId.get(migration.agentId);
    if (migration.state.endedAtMs !== null || leader === undefined) continue;
    const standbys = await standbysOf(store, migration, leader, nowMs);
    hostSamples.push(hostSample(migration, leader.host, 'LEADER', 1));
    for (const { host, status } of standbys)
      hostSamples.push(hostSample(migration, host, 'STANDBY', status === 'READY' ? 1 : 0));
  }
  return {
    samples: [
      ...expirySamples,
      ...agentSamples,
      ...hostSamples,
      ...migrations.flatMap((one, at) => namesOf(one, destinations[at]?.name ?? '')),
      ...migrations.flatMap((one) => samplesOf(one, isHeard(one))),
    ],
    isComplete: found.length <= MOST_SHOWN && agents.length <= MOST_SHOWN,
  };
}

function namesOf(migration: Migration, destination: string): Sample[] {
  const { id, orgId, groupId, sourceClusterName: source, labels } = migration;
  return [
    {
      name: 'linkspan_migration_info',
      labels: { migration: id, organization: orgId, project: groupId, source, destination },
      value: 1,
    },
    ...Object.entries(labels).map(
      ([name, value]): Sample => ({
        name: 'linkspan_migration_label',
        labels: { migration: id, name, value },
        value: 1,
      }),
    ),
  ];
}

function hostSample({ id }: Migration, host: string, role: 'LEADER' | 'STANDBY', value: number): Sample {
  return { name: 'linkspan_migration_hosts', labels: { migration: id, host, role }, value };
}

/** Returns how many attempts the server has refused for security reasons. */
export function securitySamples({ counts }: Pick<SecurityEvents, 'counts'>): Sample[] {
  return [...counts].map(([type, value]) => ({ name: 'linkspan_security_events_total', labels: { type }, value }));
}

/** Returns why a server is not ready, in phrases that any client may read; empty when it is. */
export async function serveNotReady(
  store: Pick<Store, 'write'>,
  isListening: boolean,
  stopping: AbortSignal,
): Promise<string[]> {
  if (stopping.aborted) return ['the server stops'];
  // An empty write takes the store's lock, and fails once the disk has failed.
  const isWritable = await store.write(async () => true).catch(() => false);
  return [
    ...(isListening ? [] : ['the server does not listen']),
    ...(isWritable ? [] : ['the store cannot be written']),
  ];
}

function samplesOf(migration: Migration, isHeard: boolean): Sample[] {
  const { id, state, progress, failback } = migration;
  const isCancelled = state.status === 'FAILED' && state.order.wanted === 'CANCELLED';
  const status = isCancelled ? 'CANCELLED' : state.status;
  const samples = oneOf(STATUSES, status, (one, value) => ({
    name: 'linkspan_migration_status',
    labels: { migration: id, status: one },
    value,
  }));
  const value = problemsOf(migration).length;
  const problems: Sample[] =
    state.status === 'COMPLETE' ? [{ name: 'linkspan_problems', labels: { migration: id }, value }] : [];
  const ended: Sample[] =
    state.endedAtMs === null
      ? []
      : [
          {
            name: 'linkspan_migration_end_timestamp_seconds',
            labels: { migration: id },
            value: state.endedAtMs / 1_000,
          },
        ];
  if (progress === null) return [...samples, ...problems, ...ended];
  const isCurrent = state.endedAtMs === null && isHeard;
  // Counters begin with what this server saw: an earlier one, or the agent's own metrics, have counted the rest.
  const figures = isCurrent
    ? migrationSamples([{ id, progress, failback: failback ?? undefined, beganHere: false }])
    : lastingSamples(id, progress);
  return [...samples, ...problems, ...ended, ...figures];
}
