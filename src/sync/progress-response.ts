import {
  DEFAULT_LOAD_LEVEL,
  type Finding,
  type Progress,
  type SourceWatchState,
  type WantedState,
} from '../engine/index.ts';
import { type Problem, showGates } from '../platform/index.ts';
import type { LoadRequest } from './load-request.ts';
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

const NOT_VERIFIED = 'The copied data is not verified: verification is switched off.';

/** mongosync's names of the phases of a verification. */
const PHASES = { waiting: 'not started', comparing: 'initial hashing', following: 'stream hashing' } as const;

/** The facts that a session knows besides the engine's progress. */
interface Circumstances {
  readonly wanted?: WantedState | undefined;
  readonly load?: LoadRequest;
  /** Warnings of the preflight. */
  readonly findings?: readonly Finding[];
  /** The opposite direction, if the migration is reversible. */
  readonly wayBack?: Progress | undefined;
  /** The problems since the cutover, the worst first. */
  readonly problems?: readonly Problem[];
  /** The watch of a source that stays blocked. */
  readonly sourceWatch?: SourceWatchState | undefined;
}

/**
 * Returns the `progress` of `GET /progress`, with mongosync's names and units.
 *
 * Counts are null, as in IDLE, until the process has opened the migration. `verification` is also null while verification is off. `linkspan` has what mongosync has no field for. `directionMapping` names a cluster by its primary. `mongosyncID` and `coordinatorID` are
 * the id of the migration.
 */
export function progressResponse(
  state: SessionState,
  direction: Direction | undefined,
  progress: Progress | undefined,
  circumstances: Circumstances = {},
) {
  if (!progress || !direction) return idle;
  const applying = progress.state === 'tailing';
  const known = progress.state !== 'created';
  return {
    state,
    canCommit: state === 'RUNNING' && progress.readyForCutover,
    canWrite: progress.canWrite,
    info: infoOf(progress),
    ...(applying && { ceaStage: 'steady state' }),
    lag: state === 'PAUSED' ? null : lagOf(progress),
    lagTimeSeconds: state === 'PAUSED' ? null : progress.lagSeconds,
    totalEventsApplied: known ? progress.changes.applied : null,
    collectionCopy: known ? copyOf(progress) : null,
    ...(applying && progress.etaSeconds !== null && { estimatedSecondsToCEACatchup: progress.etaSeconds }),
    ...(applying && { indexBuilding: indexBuildingOf(progress) }),
    directionMapping: {
      Source: `${direction.source}: ${progress.addresses.source}`,
      Destination: `${direction.destination}: ${progress.addresses.destination}`,
    },
    source: pingOf(progress.pingMs.source),
    destination: pingOf(progress.pingMs.destination),
    ...(state === 'RUNNING' && !progress.canWrite && { estimatedOplogTimeRemaining: oplogTimeOf(progress) }),
    verification: known ? verificationOf(state, progress) : null,
    mongosyncID: progress.migrationId,
    coordinatorID: progress.migrationId,
    linkspan: {
      ...extensionOf(progress, known, circumstances),
    },
    warnings: [...progress.warnings, ...(progress.verification.mode === 'off' ? [NOT_VERIFIED] : [])],
  };
}

/** The `progress` of `GET /progress`. */
export type ShownProgress = ReturnType<typeof progressResponse>;

function infoOf({ state }: Progress): string {
  switch (state) {
    case 'created':
    case 'preparing':
      return 'initializing collections and indexes';
    case 'copying':
      return 'collection copy';
    case 'committing':
      return 'waiting for commit to complete';
    case 'committed':
      return 'commit completed';
    default:
      return 'change event application';
  }
}

function extensionOf(progress: Progress, known: boolean, circumstances: Circumstances) {
  const { wayBack, sourceWatch, wanted, load, findings = [], problems = [] } = circumstances;
  const { sinceMs, copy, indexes, rates, timeShares, etaSeconds, changes, left, oplog, shards, repairs, waiting } =
    progress;
  return {
    phase: progress.state,
    since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
    wanted: wanted ?? null,
    phases: progress.phases.map(shownPhase),
    resumedFrom: progress.resumedFrom === undefined ? null : shownResumed(progress.resumedFrom),
    copy: known ? copy : null,
    load: { level: load?.loadLevel ?? DEFAULT_LOAD_LEVEL, maxMegabytesPerSecond: load?.maxMegabytesPerSecond ?? null },
    pingMs: progress.pingMs,
    indexes: known ? { total: indexes.total, built: indexes.built } : null,
    indexBuilds: indexes.building,
    changes: known ? changes : null,
    rates,
    timeShares: timeShares ?? null,
    etaSeconds,
    oplog,
    ...(shards && { shards }),
    verification: known ? shownVerification(progress) : null,
    repairs,
    readiness: showGates(progress.readiness),
    notReadyReasons: progress.notReadyReasons,
    findings: findings.map(shownFinding),
    waiting: waiting.map(({ sinceMs: atMs, ...wait }) => ({ ...wait, since: new Date(atMs).toISOString() })),
    cutoverAttempts: progress.cutoverAttempts.map(shownAttempt),
    sourceBlockedSince: blockedSince(progress),
    ...(left && { left }),
    problems,
    wayBack: wayBack === undefined ? null : shownWayBack(wayBack),
    ...(sourceWatch && { sourceWatch: shownWatch(sourceWatch) }),
  };
}

/** Returns what decides whether a commit can be undone: the opposite direction follows the destination. */
function shownWayBack({ state, readyForCutover, notReadyReasons, lagSeconds, warnings, error }: Progress) {
  return { phase: state, readyForCutover, notReadyReasons, lagSeconds, warnings, ...(error && { error }) };
}

/** Since when the source refuses users' writes, or may do so; null while it takes them. */
function blockedSince({ cutover, sinceMs }: Progress): string | null {
  const atMs = cutover?.blocking ? (cutover.sourceBlockedAtMs ?? sinceMs) : null;
  return atMs === null ? null : new Date(atMs).toISOString();
}

function shownPhase({ name, startedAtMs, endedAtMs }: Progress['phases'][number]) {
  const startedAt = new Date(startedAtMs).toISOString();
  return endedAtMs === undefined
    ? { name, startedAt }
    : { name, startedAt, endedAt: new Date(endedAtMs).toISOString() };
}

function shownResumed({ state, savedAtMs, documentsCopied, bytesCopied }: NonNullable<Progress['resumedFrom']>) {
  const savedAt = savedAtMs === null ? null : new Date(savedAtMs).toISOString();
  return { phase: state, savedAt, documentsCopied, bytesCopied };
}

function shownFinding({ code, severity, namespace, message, remedy, concerns }: Finding) {
  return { code, severity, namespace: namespace ?? null, message, remedy, concerns: concerns ?? null };
}

function shownWatch({ untilMs, watchedToMs, changes, namespaces, ended }: SourceWatchState) {
  const [until, watchedTo] = [new Date(untilMs).toISOString(), new Date(watchedToMs).toISOString()];
  return { until, watchedTo, changes, namespaces: [...namespaces], ended: ended ?? null };
}

function shownAttempt({ startedAtMs, steps, ...attempt }: Progress['cutoverAttempts'][number]) {
  return {
    ...attempt,
    startedAt: new Date(startedAtMs).toISOString(),
    steps: steps.map(({ startedAtMs: atMs, ...step }) => ({ ...step, startedAt: new Date(atMs).toISOString() })),
  };
}

function shownVerification({ verification }: Progress) {
  const { mismatches, equalAtMs, ...figures } = verification;
  const latest = mismatches.latest.map(({ firstSeenMs, ...mismatch }) => ({
    ...mismatch,
    firstSeen: new Date(firstSeenMs).toISOString(),
  }));
  const equalAt = equalAtMs === null ? null : new Date(equalAtMs).toISOString();
  return { ...figures, equalAt, mismatches: { ...mismatches, latest } };
}

/**
 * Returns mongosync's fields of a verification. Linkspan reads both sides at the same time, so both have the same figures. The lag is the
 * migration's.
 */
function verificationOf(state: SessionState, { verification, lagSeconds }: Progress): Record<string, unknown> | null {
  const { phase, documentsTotal, documentsCompared, collectionsTotal, collectionsDone } = verification;
  if (phase === 'off') return null;
  const side = {
    phase: PHASES[phase],
    estimatedDocumentCount: documentsTotal,
    hashedDocumentCount: documentsCompared,
    scannedCollectionCount: collectionsDone,
    totalCollectionCount: collectionsTotal,
    lagTimeSeconds: state === 'PAUSED' ? null : lagSeconds,
  };
  return { source: side, destination: side };
}

function lagOf({ lagSeconds }: Progress): Record<string, number | null> {
  return { overallLagSeconds: lagSeconds, crudLagSeconds: lagSeconds, ddlLagSeconds: null };
}

/** Follows mongosync's conventions: a total of 1 byte before the copy begins, and copied = total when it is complete. */
function copyOf({ state, copy }: Progress): Record<string, number> {
  const estimatedTotalBytes = Math.max(1, copy.bytesTotal);
  const over = state === 'tailing' || state === 'committing' || state === 'committed';
  return { estimatedTotalBytes, estimatedCopiedBytes: over ? estimatedTotalBytes : copy.bytesCopied };
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
