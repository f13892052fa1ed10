import type { LeaderProgress, ShownProgress } from '../../sync/index.ts';
import type { LiveMigration } from '../api/types.ts';

type Started = Exclude<LeaderProgress, { readonly linkspan: null }>;

const STATUS: Partial<Readonly<Record<Started['linkspan']['state'], LiveMigration['status']>>> = {
  COMMITTED: 'COMPLETE',
  FAILED: 'FAILED',
  CANCELLED: 'FAILED',
};

/** Whether this process runs a migration. */
export function isStarted(progress: ShownProgress): progress is Started {
  return progress.linkspan !== null && !('standby' in progress.linkspan);
}

/** The migration of `linkspan sync` in the form that the panels show. Its clusters are in the present direction. */
export function shownMigration({ linkspan: own, ...progress }: Started): LiveMigration {
  const clusterOf = (side: string) => ({ groupId: '', clusterName: side.split(':')[0] ?? '' });
  const { state, stage, since, wanted, failback, problems, waiting, readiness, findings, load, sourceBlockedSince } =
    own;
  const found = new Set(findings.map(({ message }) => message));
  const first = own.phases[0]?.startedAt ?? since ?? new Date().toISOString();
  return {
    _id: progress.mongosyncID,
    status: STATUS[state] ?? 'WORKING',
    readyForCutover: progress.canCommit,
    lagTimeSeconds: progress.lagTimeSeconds,
    migrationHosts: [],
    linkspan: {
      source: clusterOf(progress.directionMapping.Source),
      destination: clusterOf(progress.directionMapping.Destination),
      stage,
      wanted: wanted ?? 'RUNNING',
      loadLevel: load.level,
      maxMegabytesPerSecond: load.maxMegabytesPerSecond,
      loadWindows: load.windows,
      dropsConfirmed: false,
      cutoverWindowEndsAt: null,
      ...(sourceBlockedSince !== null && { sourceBlockedSince }),
      activeSide: state === 'COMMITTED' ? 'DESTINATION' : 'SOURCE',
      ...(failback && { failback }),
      labels: {},
      note: null,
      createdAt: first,
      updatedAt: since ?? first,
      endedAt: null,
      agent: null,
      waiting,
      readiness: state === 'COMMITTED' ? [] : readiness,
      ...(own.sourceWatch && { sourceWatch: own.sourceWatch }),
      problems,
      warnings: [],
      findings,
      progress: { ...own, warnings: (progress.warnings ?? []).filter((warning) => !found.has(warning)) },
    },
  };
}
