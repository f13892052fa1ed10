import {
  type CollectionProgress,
  DEFAULT_LOAD_LEVEL,
  dateOf,
  type ErrorData,
  type Finding,
  type Progress,
  type SourceWatchState,
  showGates,
  showProgress,
  showSourceWatch,
  sourceBlockedSince,
  stageOfRun,
  type WantedState,
} from '../contract/index.ts';
import type { Leader } from '../engine/index.ts';
import type { LoadRequest } from './load-request.ts';
import { type PhaseTexts, phaseTexts } from './phase-texts.ts';
import type { SessionState } from './session-state.ts';
import type { Direction } from './start-request.ts';

/** The response in IDLE. mongosync's documentation does not say whether the null keys are present; here they are. */
const idle = {
  state: 'IDLE',
  canCommit: false,
  canWrite: null,
  info: null,
  lag: null,
  lagTimeSeconds: null,
  totalEventsApplied: null,
  collectionCopy: null,
  directionMapping: null,
  source: null,
  destination: null,
  verification: null,
  mongosyncID: null,
  coordinatorID: null,
  linkspan: null,
} as const;

/** The response of a standby. */
function standingBy({ host, pid, wroteAtMs, silentMs }: Leader) {
  const lastSeen = dateOf(wroteAtMs);
  return {
    ...idle,
    info: `standby: process ${pid} on host ${host} leads the migration, and wrote ${Math.round(silentMs / 1_000)} s ago`,
    linkspan: { standby: { host, pid, lastSeen } },
  } as const;
}

const NOT_VERIFIED = 'The copied data is not verified: verification is switched off.';

/** mongosync's names of the phases of a verification. */
const PHASES = { WAITING: 'not started', COMPARING: 'initial hashing', FOLLOWING: 'stream hashing' } as const;

/** The facts that a session knows besides the engine's progress. */
interface Circumstances {
  readonly wanted?: WantedState | undefined;
  readonly load?: LoadRequest;
  /** The process that leads the migration, while this one is a standby. */
  readonly leader?: Leader | undefined;
  /** Warnings of the preflight. */
  readonly findings?: readonly Finding[];
  /** The progress of each collection. */
  readonly collections?: readonly CollectionProgress[] | undefined;
  /** The opposite direction, if the migration is reversible. */
  readonly failback?: Progress | undefined;
  /** The problems since the cutover, the worst first. */
  readonly problems?: readonly ErrorData[];
  /** The watch of a source that stays blocked. */
  readonly sourceWatch?: SourceWatchState | undefined;
}

/**
 * Returns the `progress` of `GET /progress`, with mongosync's names and units.
 *
 * Until the process has read the migration's records, it has mongosync's values of the time before the copy. `verification` is null while
 * verification is off. `linkspan` has the values for which mongosync has no field. `directionMapping` names a cluster by its primary. `mongosyncID`
 * and `coordinatorID` are the id of the migration.
 */
export function progressResponse(
  state: SessionState,
  direction: Direction | undefined,
  progress: Progress | undefined,
  circumstances: Circumstances = {},
) {
  if (!progress || !direction) return circumstances.leader ? standingBy(circumstances.leader) : idle;
  const { info, ceaStage } = phaseTexts(progress, circumstances.collections);
  const isFollowing = progress.state === 'FOLLOWING';
  const lagSeconds = lagSecondsOf(progress);
  const warnings = [...progress.warnings, ...(progress.verification.mode === 'OFF' ? [NOT_VERIFIED] : [])];
  return {
    state,
    canCommit: state === 'RUNNING' && progress.readyForCutover,
    canWrite: progress.canWrite,
    info,
    ...(ceaStage && { ceaStage }),
    lag: state === 'PAUSED' ? null : lagOf(lagSeconds),
    lagTimeSeconds: lagSeconds,
    totalEventsApplied: progress.changes.applied,
    collectionCopy: copyOf(progress, info),
    ...(isFollowing && progress.etaSeconds !== null && { estimatedSecondsToCEACatchup: progress.etaSeconds }),
    ...(ceaStage && { indexBuilding: indexBuildingOf(progress) }),
    directionMapping: {
      Source: `${direction.source}: ${progress.addresses.source}`,
      Destination: `${direction.destination}: ${progress.addresses.destination}`,
    },
    source: pingOf(progress.pingMs.source),
    destination: pingOf(progress.pingMs.destination),
    ...(state === 'RUNNING' && !progress.canWrite && { estimatedOplogTimeRemaining: oplogTimeOf(progress) }),
    verification: verificationOf(progress, lagSeconds),
    mongosyncID: progress.migrationId,
    coordinatorID: progress.migrationId,
    linkspan: extensionOf(progress, circumstances),
    ...(warnings.length > 0 && { warnings }),
  };
}

/** The `progress` of `GET /progress`. */
export type ShownProgress = ReturnType<typeof progressResponse>;
/** The same of a process that is no standby. */
export type LeaderProgress = Exclude<ShownProgress, { readonly linkspan: { readonly standby: object } }>;

function extensionOf(progress: Progress, circumstances: Circumstances) {
  const { failback, sourceWatch, wanted, load, findings = [], problems = [] } = circumstances;
  return {
    ...showProgress(progress),
    stage: stageOfRun(progress, wanted ?? 'RUNNING', problems.length > 0),
    wanted: wanted ?? null,
    load: {
      level: load?.loadLevel ?? DEFAULT_LOAD_LEVEL,
      maxMegabytesPerSecond: load?.maxMegabytesPerSecond ?? null,
      windows: load?.loadWindows ?? [],
    },
    readiness: showGates(progress.readiness),
    findings,
    sourceBlockedSince: sourceBlockedSince(progress),
    problems,
    ...(failback && { failback: shownFailback(failback) }),
    ...(sourceWatch && { sourceWatch: showSourceWatch(sourceWatch) }),
  };
}

/** Returns the facts that decide whether a commit can be undone: the opposite direction follows the destination. */
function shownFailback({ state, readyForCutover, notReadyReasons, lagSeconds, warnings, error }: Progress) {
  const isOpening = state === 'CREATED' || state === 'PREPARING';
  return {
    state: state === 'FAILED' ? ('FAILED' as const) : isOpening ? ('PREPARING' as const) : ('FOLLOWING' as const),
    ready: readyForCutover,
    lagSeconds,
    notReadyReasons,
    warnings,
    ...(error && { error }),
  };
}

/**
 * Returns mongosync's fields of a verification. Linkspan reads both sides at the same time, so both have the same figures. The lag is the
 * migration's.
 */
function verificationOf({ verification }: Progress, lagTimeSeconds: number | null): Record<string, unknown> | null {
  const { phase, documentsTotal, documentsCompared, collectionsTotal, collectionsDone } = verification;
  if (phase === 'OFF') return null;
  const side = {
    phase: PHASES[phase],
    estimatedDocumentCount: documentsTotal,
    hashedDocumentCount: documentsCompared,
    scannedCollectionCount: collectionsDone,
    totalCollectionCount: collectionsTotal,
    lagTimeSeconds,
  };
  return { source: side, destination: side };
}

/** mongosync's lag becomes zero with the commit. It is null while it is unknown, and in PAUSED. */
function lagSecondsOf({ state, lagSeconds }: Progress): number | null {
  return state === 'COMMITTED' ? 0 : lagSeconds;
}

function lagOf(lagSeconds: number | null): Record<string, number | null> {
  return { overallLagSeconds: lagSeconds, crudLagSeconds: lagSeconds, ddlLagSeconds: null };
}

/** Follows mongosync's conventions: a total of 1 byte before the copy begins, and copied = total when it is complete. */
function copyOf({ copy }: Progress, info: PhaseTexts['info']): Record<string, number> {
  const estimatedTotalBytes = Math.max(1, copy.bytesTotal);
  const isCopying = info === 'initializing collections and indexes' || info === 'collection copy';
  return { estimatedTotalBytes, estimatedCopiedBytes: isCopying ? copy.bytesCopied : estimatedTotalBytes };
}

function indexBuildingOf({ indexes, copy }: Progress): Record<string, number> {
  return {
    indexesBuilt: indexes.built,
    totalIndexesToBuild: indexes.total,
    collectionsFinished: copy.collectionsDone,
    collectionsTotal: copy.collectionsTotal,
  };
}

/** The remaining oplog time as a text, with mongosync's wording. */
function oplogTimeOf({ oplog }: Progress): string {
  if (oplog === null) return 'not checked yet';
  const minutes = Math.floor(oplog.leftSeconds / 60);
  if (minutes < 15) return 'less than 15 minutes';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(minutes / 60);
  if (hours > 72) return 'more than 72 hours';
  return hours === 1 ? '1 hour' : `${hours} hours`;
}

/** Leaves out an unknown ping and one below 1 ms, as mongosync does. */
function pingOf(pingMs: number | null): Record<string, number> {
  return pingMs === null || pingMs < 1 ? {} : { pingLatencyMs: Math.round(pingMs) };
}
