import type { ShownProgress } from '../../sync/index.ts';
import type { LiveMigration } from '../api/types.ts';

type Started = Exclude<ShownProgress, { readonly linkspan: null }>;
type WayBack = NonNullable<Started['linkspan']['wayBack']>;

const STATUS: Partial<Readonly<Record<Started['linkspan']['phase'], LiveMigration['status']>>> = {
  committed: 'COMPLETE',
  failed: 'FAILED',
  cancelled: 'FAILED',
};

/** Whether a migration was started. */
export function isStarted(progress: ShownProgress): progress is Started {
  return progress.linkspan !== null;
}

/** The migration of `linkspan sync` in the form that the panels show. Its clusters are in the present direction. */
export function shownMigration({ linkspan: own, ...progress }: Started): LiveMigration {
  const clusterOf = (side: string) => ({ groupId: '', clusterName: side.split(':')[0] ?? '' });
  const {
    phase,
    since,
    wanted,
    wayBack,
    problems,
    waiting,
    readiness,
    findings,
    load,
    sourceBlockedSince,
    sourceWatch,
  } = own;
  const found = new Set(findings.map(({ message }) => message));
  const first = own.phases[0]?.startedAt ?? since ?? new Date().toISOString();
  return {
    _id: progress.mongosyncID,
    status: STATUS[phase] ?? 'WORKING',
    readyForCutover: progress.canCommit,
    lagTimeSeconds: progress.lagTimeSeconds,
    migrationHosts: [],
    linkspan: {
      source: clusterOf(progress.directionMapping.Source),
      destination: clusterOf(progress.directionMapping.Destination),
      wanted: wanted ?? 'running',
      loadLevel: load.level,
      maxMegabytesPerSecond: load.maxMegabytesPerSecond,
      dropsConfirmed: false,
      cutoverWindowEndsAt: null,
      ...(sourceBlockedSince !== null && { sourceBlockedSince }),
      usersOn: phase === 'committed' ? 'destination' : 'source',
      ...(wayBack && { wayBack: shownWayBack(wayBack) }),
      createdAt: first,
      updatedAt: since ?? first,
      endedAt: null,
      agent: null,
      waiting,
      readiness: phase === 'committed' ? [] : readiness,
      ...(sourceWatch && { sourceWatch }),
      problems: [...problems],
      warnings: [],
      findings,
      progress: {
        ...own,
        since: since ?? first,
        resumedFrom: own.resumedFrom ?? undefined,
        timeShares: own.timeShares ?? undefined,
        shards: own.shards && [...own.shards],
        copy: own.copy ?? NOTHING_COPIED,
        indexes: { ...(own.indexes ?? { total: 0, built: 0 }), building: own.indexBuilds && [...own.indexBuilds] },
        changes: own.changes ?? { read: 0, applied: 0, queued: 0 },
        verification: own.verification
          ? {
              ...own.verification,
              catalogDifferences: listed(own.verification.catalogDifferences),
              cappedUncertain: [...own.verification.cappedUncertain],
            }
          : undefined,
        repairs: own.repairs && { ...own.repairs, at: new Date(own.repairs.atMs).toISOString() },
        notReadyReasons: [...own.notReadyReasons],
        canWrite: progress.canWrite,
        warnings: progress.warnings.filter((warning) => !found.has(warning)),
      },
    },
  };
}

const NOTHING_COPIED = {
  collectionsTotal: 0,
  collectionsDone: 0,
  documentsTotal: 0,
  documentsCopied: 0,
  bytesTotal: 0,
  bytesCopied: 0,
};

const listed = (list: readonly string[] | null) => list && [...list];

function shownWayBack(way: WayBack): NonNullable<LiveMigration['linkspan']['wayBack']> {
  const { phase, readyForCutover, lagSeconds, notReadyReasons, warnings, error } = way;
  return {
    state: phase === 'failed' ? phase : phase === 'created' || phase === 'preparing' ? 'preparing' : 'following',
    ready: readyForCutover,
    lagTimeSeconds: lagSeconds,
    notReadyReasons: [...notReadyReasons],
    warnings: [...warnings],
    ...(error && { error }),
  };
}
