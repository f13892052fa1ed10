import type { Progress } from '../../contract/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import type { MigrationSample } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { getMigrationOfReader } from './migrations.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How closely a history is sampled, and how long it is kept: at most 3,600 and 43,200 samples of a migration. */
const HISTORIES = {
  SECOND: { spanMs: SECOND_MS, keptMs: HOUR_MS },
  MINUTE: { spanMs: MINUTE_MS, keptMs: 30 * 24 * HOUR_MS },
} as const;

/** A reported progress. An agent of another version may report fewer fields. */
type SampledProgress = Pick<Progress, 'state'> & Partial<Progress>;

export type SampleSpan = keyof typeof HISTORIES;

/** Keeps a report's figures for charts, and deletes the outdated figures of all migrations. */
export async function noteSample(
  transaction: StoreTransaction,
  migrationId: string,
  progress: SampledProgress,
  atMs: number,
): Promise<void> {
  const { state, lagSeconds = null, changes, copy, verification, oplog } = progress;
  const figures = {
    state,
    lagSeconds,
    changesRead: changes?.read ?? null,
    changesApplied: changes?.applied ?? null,
    queuedKeys: changes?.queued ?? null,
    bytesCopied: copy?.bytesCopied ?? null,
    documentsVerified: verification?.mode === 'OFF' ? null : (verification?.documentsCompared ?? null),
    oplogLeftSeconds: oplog?.leftSeconds ?? null,
  };
  for (const { spanMs, keptMs } of Object.values(HISTORIES)) {
    await transaction.delete('migrationSamples', { spanMs, atMs: { lte: atMs - keptMs } });
    await transaction.put('migrationSamples', { migrationId, spanMs, atMs, figures });
  }
}

/**
 * Returns the samples of a migration after a time, oldest first.
 * @throws UserError as {@link getMigrationOfReader}
 */
export async function getSamples(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  { span, afterMs }: { readonly span: SampleSpan; readonly afterMs: number },
): Promise<MigrationSample[]> {
  await getMigrationOfReader(control, actor, groupId, migrationId);
  const { spanMs, keptMs } = HISTORIES[span];
  // A migration that has ended keeps its samples until another one reports.
  const oldestMs = control.clock.now() - keptMs;
  const isAfter = { gt: Math.max(afterMs, oldestMs) };
  return await control.store.find('migrationSamples', { migrationId, spanMs, atMs: isAfter });
}
