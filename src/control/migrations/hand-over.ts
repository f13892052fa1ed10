import type { TakeOverReason } from '../../contract/index.ts';
import type { ReceivedReport } from '../../link/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';
import { readyStandby } from './standbys.ts';
import { takeOver } from './take-over.ts';

/** An agent stops a migration in much less, even while its clusters don't answer. */
const MOVE_WITHIN_MS = 60_000;
/** A migration that no host can continue must not go from one to the next. */
const MOVE_AGAIN_AFTER_MS = 10 * 60_000;

/**
 * Gives migrations of an agent to one that stands by for them: those that are being moved, once the agent has stopped them, and all
 * when it leaves. Begins to move those whose source or destination this agent can't reach, and the other one can.
 * @param leader  as it is after its report
 * @returns the agents that lead migrations now; the caller must wake them after the commit
 */
export async function handOver(
  control: Control,
  transaction: StoreTransaction,
  leader: Agent,
  report: ReceivedReport,
  atMs: number,
): Promise<readonly string[]> {
  const successors: string[] = [];
  const give = async (migration: Migration, reason: TakeOverReason, host?: string) => {
    const standby = await readyStandby(transaction, migration, leader, { atMs, host });
    if (standby === undefined) return false;
    await takeOver(control, transaction, migration, { standby, atMs, reason });
    successors.push(standby.id);
    return true;
  };
  const isRunning = ({ id }: Migration) =>
    report.stopping.includes(id) || report.migrations.some((entry) => entry.id === id);
  for (const migration of await transaction.find('migrations', { agentId: leader.id, isActive: true })) {
    const { id, move } = migration;
    // rule: move-once-stopped
    const hasStopped = !isRunning(migration);
    if (report.leaving && hasStopped && (await give(migration, 'LEFT'))) continue;
    if (move === null) {
      if (report.cutOff.includes(id)) await moveFromCutOff(transaction, migration, leader, atMs);
      continue;
    }
    if (hasStopped && (await give(migration, move.reason, move.toHost))) continue;
    // The agent gets its order again.
    // rule: move-is-bounded
    if (hasStopped || atMs - move.atMs > MOVE_WITHIN_MS)
      await transaction.update('migrations', { ...migration, move: null });
  }
  const watched = { agentId: leader.id, isWatched: true, isActive: false };
  for (const migration of report.leaving ? await transaction.find('migrations', watched) : [])
    await give(migration, 'LEFT');
  return successors;
}

async function moveFromCutOff(
  transaction: StoreTransaction,
  migration: Migration,
  leader: Agent,
  atMs: number,
): Promise<void> {
  const { id, orgId, groupId, takenOver } = migration;
  // rule: no-move-in-circles
  if (takenOver?.reason === 'CUT_OFF' && atMs - takenOver.atMs < MOVE_AGAIN_AFTER_MS) return;
  const standby = await readyStandby(transaction, migration, leader, { atMs });
  if (standby === undefined) return;
  const reason = 'CUT_OFF';
  await transaction.update('migrations', { ...migration, move: { atMs, toHost: standby.host, reason } });
  const details = { liveMigrationId: id, migrationHost: standby.host, reason };
  await audit(transaction, SYSTEM, atMs, { eventTypeName: 'LIVE_MIGRATION_MOVE_REQUESTED', orgId, groupId, details });
}
