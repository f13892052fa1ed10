import type {
  ErrorData,
  Finding,
  Progress,
  ShownGate,
  ShownProgress,
  ShownSourceWatch,
  Stage,
  Wait,
} from '../../contract/index.ts';
import { notYetRunning } from '../../engine/index.ts';
import { type ProgressView, viewOf } from '../progress/index.ts';
import type { ShownWayBack } from './way-back-text.ts';

/** The fields of the API's `LiveMigrationResponse` that this folder reads. */
export interface ShownMigration {
  readonly _id: string;
  readonly status: 'NEW' | 'WORKING' | 'COMPLETE' | 'FAILED' | 'EXPIRED';
  readonly migrationHosts: readonly string[];
  readonly readyForCutover?: boolean;
  readonly lagTimeSeconds?: number | null;
  readonly errorMessage?: string;
  readonly linkspan: ShownWayBack & {
    readonly stage: Stage;
    readonly wanted: 'RUNNING' | 'PAUSED' | 'CUTOVER' | 'CANCELLED';
    readonly cutoverWindowEndsAt: string | null;
    readonly cutoverRequestedAt?: string;
    readonly cutoverAbort?: { readonly isDone: boolean };
    readonly rehearsalId?: number;
    readonly sourceBlockedSince?: string;
    readonly agent: { readonly status: 'CONNECTED' | 'RESUMING' | 'LOST'; readonly lastSeen: string | null } | null;
    readonly waiting: readonly Wait[];
    readonly readiness: readonly ShownGate[];
    readonly sourceWatch?: ShownSourceWatch;
    readonly problems: readonly ErrorData[];
    readonly warnings: readonly string[];
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

/** The engine's progress from the agent's last report, with what only the control plane knows. */
function progressOf(migration: ShownMigration): Progress {
  const { progress, readiness, waiting, warnings, findings } = migration.linkspan;
  // An agent that has reported nothing verifies nothing.
  const unknown = notYetRunning({ migrationId: migration._id, verification: 'OFF' });
  const known = { ...unknown, ...progress };
  const message = migration.errorMessage ?? migration.status;
  const stale = { documentsPerSecond: null, bytesPerSecond: null, etaSeconds: null };
  return {
    ...known,
    ...(isOutdated(migration) && {
      rates: unknown.rates,
      etaSeconds: null,
      verification: { ...known.verification, ...stale },
    }),
    ...(hasEnded(migration) && { error: { code: migration.status, message, remedy: '' } }),
    state: stateOf(migration),
    phases: [],
    lagSeconds: lagOf(migration) ?? null,
    readiness,
    readyForCutover: migration.readyForCutover ?? false,
    findings,
    warnings: [...warnings, ...known.warnings],
    waiting,
  };
}

/** The control plane decides whether a migration has ended: it may end one without a report, and a report alone ends none. */
function stateOf({ status, linkspan: { progress } }: ShownMigration): Progress['state'] {
  if (status === 'COMPLETE') return 'COMMITTED';
  if (status === 'FAILED' || status === 'EXPIRED') return progress?.state === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
  return progress?.state ?? 'CREATED';
}

/** The view of a migration that `linkspan sync` shows as well. @param atMs  current time */
export function progressViewOf(migration: ShownMigration, atMs: number): ProgressView {
  return viewOf(progressOf(migration), migration.linkspan.stage, atMs, migration.linkspan.problems);
}
