import { type Finding, notYetRunning, type Progress } from '../../engine/index.ts';
import type { Problem, ShownGate } from '../../platform/index.ts';
import { type ProgressView, viewOf } from '../progress/index.ts';
import type { ShownWayBack } from './way-back-text.ts';

/** A wait as the API shows it. */
interface ShownWait {
  readonly for: string;
  readonly since: string;
  readonly reason: string;
}

type Verification = Progress['verification'];

type ShownMismatch = Omit<Verification['mismatches']['latest'][number], 'firstSeenMs'> & { readonly firstSeen: string };

/** Fields that agents of earlier versions don't report. A result rests on all of them. */
type LaterField = 'catalogDifferencesFound' | 'seesForeignWrites' | 'cappedCollections';

type ShownVerification = Omit<Verification, 'mismatches' | 'equalAtMs' | 'cappedUncertain' | LaterField> &
  Partial<Pick<Verification, 'cappedUncertain' | LaterField>> & {
    readonly equalAt?: string | null;
    readonly mismatches: Omit<Verification['mismatches'], 'latest'> & {
      readonly latest: readonly ShownMismatch[];
    };
  };

/** A migration's progress as the API returns it; some fields differ from the engine's. */
type Attempt = Progress['cutoverAttempts'][number];
type Step = Attempt['steps'][number];
/** An attempt to cut over as the API shows it. */
type ShownAttempt = Omit<Attempt, 'startedAtMs' | 'steps'> & {
  readonly startedAt: string;
  readonly steps: readonly (Omit<Step, 'startedAtMs'> & { readonly startedAt: string })[];
};

type OtherFields =
  | 'state'
  | 'sinceMs'
  | 'phases'
  | 'waiting'
  | 'resumedFrom'
  | 'verification'
  | 'readiness'
  | 'cutoverAttempts';

type ShownProgress = Omit<Progress, OtherFields> & {
  readonly phase: Progress['state'];
  readonly since?: string;
  /** Absent when the agent doesn't report it. */
  readonly verification?: ShownVerification;
  /** Absent in answers of servers of earlier versions. */
  readonly cutoverAttempts?: readonly ShownAttempt[];
  readonly resumedFrom?: {
    readonly phase: Progress['state'];
    readonly savedAt: string | null;
    readonly documentsCopied: number;
    readonly bytesCopied: number;
  };
};

/** The fields of the API's `LiveMigrationResponse` that this folder reads. */
export interface ShownMigration {
  readonly _id: string;
  readonly status: 'NEW' | 'WORKING' | 'COMPLETE' | 'FAILED' | 'EXPIRED';
  readonly migrationHosts: readonly string[];
  readonly readyForCutover?: boolean;
  readonly lagTimeSeconds?: number | null;
  readonly errorMessage?: string;
  readonly linkspan: ShownWayBack & {
    readonly wanted: 'running' | 'paused' | 'cutover' | 'cancelled';
    readonly cutoverWindowEndsAt: string | null;
    readonly cutoverRequestedAt?: string;
    readonly cutoverAbort?: { readonly isDone: boolean };
    readonly rehearsal?: number;
    readonly sourceBlockedSince?: string;
    readonly agent: { readonly status: 'CONNECTED' | 'RESUMING' | 'LOST'; readonly lastSeen: string | null } | null;
    readonly waiting: readonly ShownWait[];
    /** Absent in answers of earlier versions. */
    readonly readiness?: readonly ShownGate[];
    readonly sourceWatch?: { readonly until: string; readonly watchedTo: string; readonly ended: string | null };
    /** Absent from servers of older versions. */
    readonly problems?: readonly Problem[];
    /** Absent from servers of older versions. */
    readonly warnings?: readonly string[];
    readonly findings: readonly Finding[];
    readonly progress: ShownProgress | null;
  };
}

/** Whether the migration has ended. */
export function hasEnded({ status }: ShownMigration): boolean {
  return status === 'COMPLETE' || status === 'FAILED' || status === 'EXPIRED';
}

/** Whether its agent is silent. */
export function isLost({ linkspan: { agent } }: ShownMigration): boolean {
  return agent?.status === 'LOST';
}

/** Whether its agent does not report it, so that what it reported last is no longer true. */
function isOutdated({ linkspan: { agent } }: ShownMigration): boolean {
  return agent !== null && agent.status !== 'CONNECTED';
}

/** The lag; undefined while nobody knows it. */
export function lagOf(migration: ShownMigration): number | undefined {
  return isOutdated(migration) ? undefined : (migration.lagTimeSeconds ?? undefined);
}

/** The engine's progress from the agent's last report, with the waits that the control plane adds. */
function progressOf(migration: ShownMigration): Progress {
  const { progress, waiting, warnings = [] } = migration.linkspan;
  // An agent that reports no verification does none.
  const unknown = notYetRunning({ migrationId: migration._id, verification: 'off' });
  const { resumedFrom: resumed, verification, cutoverAttempts = [], ...known } = progress ?? {};
  const message = migration.errorMessage ?? migration.status;
  return {
    ...unknown,
    ...known,
    ...(resumed && {
      resumedFrom: {
        ...resumed,
        state: resumed.phase,
        savedAtMs: resumed.savedAt === null ? null : Date.parse(resumed.savedAt),
      },
    }),
    ...(verification && { verification: verificationOf(verification, isOutdated(migration)) }),
    cutoverAttempts: cutoverAttempts.map(attemptOf),
    state: stateOf(migration),
    ...(hasEnded(migration) ? { error: { code: migration.status, message, remedy: '' } } : {}),
    sinceMs: progress?.since === undefined ? null : Date.parse(progress.since),
    phases: [],
    lagSeconds: lagOf(migration) ?? null,
    ...(isOutdated(migration) ? { rates: unknown.rates, etaSeconds: null } : {}),
    readiness: (migration.linkspan.readiness ?? []).map(({ measuredAt, ...gate }) => ({
      ...gate,
      measuredAtMs: measuredAt === null ? null : Date.parse(measuredAt),
    })),
    readyForCutover: migration.readyForCutover ?? false,
    warnings: [...warnings, ...(progress?.warnings ?? [])],
    waiting: waiting.map(({ since, ...wait }) => ({ ...wait, sinceMs: Date.parse(since) })),
  };
}

function attemptOf({ startedAt, steps, ...attempt }: ShownAttempt): Attempt {
  return {
    ...attempt,
    startedAtMs: Date.parse(startedAt),
    steps: steps.map(({ startedAt: at, ...step }) => ({ ...step, startedAtMs: Date.parse(at) })),
  };
}

/** Returns the verification as the engine has it. Without a field that a result rests on, nothing is proven. */
function verificationOf({ equalAt, ...shown }: ShownVerification, isSilent: boolean): Verification {
  const { catalogDifferencesFound, seesForeignWrites, cappedCollections } = shown;
  const isComplete = [equalAt, catalogDifferencesFound, seesForeignWrites, cappedCollections].every(
    (field) => field !== undefined,
  );
  const latest = shown.mismatches.latest.map(({ firstSeen, ...mismatch }) => ({
    ...mismatch,
    firstSeenMs: Date.parse(firstSeen),
  }));
  const stale = isSilent ? { documentsPerSecond: null, bytesPerSecond: null, etaSeconds: null } : {};
  return {
    ...shown,
    ...stale,
    equalAtMs: isComplete && equalAt != null ? Date.parse(equalAt) : null,
    catalogDifferencesFound: catalogDifferencesFound ?? shown.catalogDifferences?.length ?? null,
    seesForeignWrites: seesForeignWrites ?? true,
    cappedCollections: cappedCollections ?? 0,
    // Only a copy with `--once` has any, and no agent of an earlier version makes one.
    cappedUncertain: shown.cappedUncertain ?? [],
    mismatches: { ...shown.mismatches, latest },
  };
}

/** The control plane decides whether a migration has ended: it may end one without a report, and a report alone ends none. */
function stateOf({ status, linkspan: { progress } }: ShownMigration): Progress['state'] {
  if (status === 'COMPLETE') return 'committed';
  if (status === 'FAILED' || status === 'EXPIRED') return progress?.phase === 'cancelled' ? 'cancelled' : 'failed';
  return progress?.phase ?? 'created';
}

/** The view of a migration that `linkspan sync` shows as well. @param atMs  current time */
export function progressViewOf(migration: ShownMigration, atMs: number): ProgressView {
  return viewOf(progressOf(migration), atMs, migration.linkspan.problems);
}
