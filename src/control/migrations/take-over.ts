import type { TakeOverReason } from '../../contract/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import { renewUser } from '../clusters/destination-users.ts';
import type { Control } from '../ports/control.ts';
import { offersSource, peersOf } from '../records/link-sets.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/** An agent reports at least every 10 s, so two reports are missing by then. */
const TAKE_OVER_AFTER_MS = 20_000;

/**
 * Gives the migrations of silent leaders to an agent that stands by for them and has just reported. This decides who starts;
 * the fence and the destination's users decide who may write, so a needless take-over loses nothing
 * (docs/adr/0039-standby.md).
 * @param standby  as it is after its report
 * @returns the ids of the former leaders; the caller must wake them after the commit
 */
export async function takeOverFromSilent(
  control: Control,
  transaction: StoreTransaction,
  standby: Agent,
  atMs: number,
): Promise<readonly string[]> {
  const former: string[] = [];
  for (const leader of await peersOf(transaction, standby)) {
    if (!isSilentFor(leader, standby, atMs)) continue;
    const active = await transaction.find('migrations', { agentId: leader.id, isActive: true });
    // After the commit no engine runs that writes a record, and a watch only reads.
    const watched = await transaction.find('migrations', { agentId: leader.id, isWatched: true, isActive: false });
    const silent = active.filter((migration) => isRecordSilent(standby, migration));
    const taken = [...silent, ...watched].filter((migration) => offersSource(standby, migration));
    for (const migration of taken) await takeOver(control, transaction, migration, { standby, atMs, reason: 'SILENT' });
    if (taken.length > 0) former.push(leader.id);
  }
  return former;
}

/**
 * Whether the leader has not reported for so long that it is gone. Only silence counts in which the standby was heard: while the
 * control plane is out of reach, all agents are silent, and continue.
 */
function isSilentFor(
  leader: Pick<Agent, 'lastReportAtMs' | 'createdAtMs'>,
  { heardSinceMs }: Pick<Agent, 'heardSinceMs'>,
  atMs: number,
): boolean {
  // rule: leader-reports-silent
  const isSilent = atMs - (leader.lastReportAtMs ?? leader.createdAtMs) > TAKE_OVER_AFTER_MS;
  // rule: silence-while-standby-heard
  const wasHeard = heardSinceMs !== null && atMs - heardSinceMs > TAKE_OVER_AFTER_MS;
  return isSilent && wasHeard;
}

/** Whether a standby reports that no engine has written the migration's record for too long. */
function isRecordSilent({ standbys }: Agent, { id }: Migration): boolean {
  // rule: leader-record-silent
  return standbys.some((standby) => standby.id === id && standby.record === 'SILENT');
}

/**
 * Makes a standby the leader of a migration. The caller must wake both agents, and ring for the user, after the commit.
 * @returns the changed migration
 */
export async function takeOver(
  control: Control,
  transaction: StoreTransaction,
  migration: Migration,
  { standby, atMs, reason }: { readonly standby: Agent; readonly atMs: number; readonly reason: TakeOverReason },
): Promise<Migration> {
  const { id, orgId, groupId, host: fromHost } = migration;
  const { id: agentId, host } = standby;
  const taken = { ...migration, agentId, host, takenOver: { atMs, fromHost, reason }, move: null };
  await transaction.update('migrations', taken);
  // rule: renew-user-of-leader
  await renewUser(control, transaction, id);
  const details = { liveMigrationId: id, migrationHost: host, formerMigrationHost: fromHost, reason };
  await audit(transaction, SYSTEM, atMs, { eventTypeName: 'LIVE_MIGRATION_TAKEN_OVER', orgId, groupId, details });
  return taken;
}
