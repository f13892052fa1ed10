import type { Progress } from '../../contract/index.ts';
import type { Report } from '../../link/index.ts';
import type { Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/**
 * Notes that an agent reports a migration in another direction than the one on record. After a restart it opens the last cutover
 * first, and waits while the other side is unreachable. The agent is heard, but the figures of its earlier reports are no longer
 * true. The cutover in them is kept, because it may be past its point of no return. Ignored once the migration has ended.
 */
export async function recordContact(
  transaction: StoreTransaction,
  migration: Migration,
  reported: Report['migrations'][number]['progress'],
  atMs: number,
): Promise<void> {
  if (migration.state.endedAtMs !== null) return;
  const { progress, failback, state } = migration;
  await transaction.update('migrations', {
    ...migration,
    // rule: withdraw-failback-ready
    progress: progress && notOpened(progress, reported),
    ...(failback?.state === 'FOLLOWING' && { failback: null, state: { ...state, failback: 'PREPARING' } }),
    // rule: note-earlier-direction
    reportedAtMs: atMs,
  });
}

function notOpened(before: Progress, { waiting, warnings }: Progress): Progress {
  return {
    ...before,
    rates: { bytesPerSecond: null, documentsPerSecond: null, changesPerSecond: null },
    etaSeconds: null,
    lagSeconds: null,
    readyForCutover: false,
    readiness: [],
    notReadyReasons: ['the agent has not opened this direction again'],
    waiting,
    warnings,
  };
}
