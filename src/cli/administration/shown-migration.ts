import type { LiveMigration } from '../../atlas-api/index.ts';
import type { Progress } from '../../contract/index.ts';
import { notYetRunning } from '../../engine/index.ts';
import { type ProgressView, viewOf } from '../progress/index.ts';

/** Whether the migration has ended. */
export function hasEnded({ status }: LiveMigration): boolean {
  return status === 'COMPLETE' || status === 'FAILED' || status === 'EXPIRED';
}

/** Whether its agent is silent. */
export function isLost({ linkspan: { agent } }: LiveMigration): boolean {
  return agent?.status === 'LOST';
}

/** Whether the last report is stale because the agent stopped reporting this migration. */
function isOutdated({ linkspan: { agent } }: LiveMigration): boolean {
  return agent !== null && agent.status !== 'CONNECTED';
}

/** The lag; undefined while it is unknown. */
export function lagOf(migration: LiveMigration): number | undefined {
  return isOutdated(migration) ? undefined : (migration.lagTimeSeconds ?? undefined);
}

/** The engine's progress from the agent's last report, with the fields that only the control plane knows. */
function progressOf(migration: LiveMigration): Progress {
  const { progress, readiness, waiting, warnings, findings } = migration.linkspan;
  // An agent that has reported nothing verifies nothing.
  const unknown = notYetRunning({ migrationId: migration._id, verification: 'OFF' });
  const known = { ...unknown, ...progress };
  const error = migration.linkspan.error ?? { code: migration.status, message: migration.status, remedy: '' };
  const stale = { documentsPerSecond: null, bytesPerSecond: null, etaSeconds: null };
  return {
    ...known,
    ...(isOutdated(migration) && {
      rates: unknown.rates,
      etaSeconds: null,
      verification: { ...known.verification, ...stale },
    }),
    ...(hasEnded(migration) && { error }),
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
function stateOf({ status, linkspan: { progress } }: LiveMigration): Progress['state'] {
  if (status === 'COMPLETE') return 'COMMITTED';
  if (status === 'FAILED' || status === 'EXPIRED') return progress?.state === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
  return progress?.state ?? 'CREATED';
}

/** The view of a migration that `linkspan sync` shows as well. @param atMs  current time */
export function progressViewOf(migration: LiveMigration, atMs: number): ProgressView {
  return viewOf(progressOf(migration), migration.linkspan.stage, atMs, migration.linkspan.problems);
}
