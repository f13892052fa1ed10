import { audit, SYSTEM } from '../audit/audit.ts';
import type { Agent, Migration } from '../records/records.ts';
import type { StoreTransaction } from '../records/store-port.ts';

/**
 * Ends the watch of a migration's source before its time, and forgets the password of the source.
 * @param why  the reason for users of the API, up to the time until which the source was watched
 */
export async function endWatch(
  transaction: StoreTransaction,
  migration: Migration,
  why: string,
  atMs: number,
): Promise<void> {
  const { id, orgId, groupId, state } = migration;
  if (state.sourceWatch === undefined) return;
  const { watchedTo } = state.sourceWatch;
  const sourceWatch = { ...state.sourceWatch, ended: `${why} ${watchedTo}` };
  await transaction.update('migrations', { ...migration, state: { ...state, sourceWatch }, password: null });
  await audit(transaction, SYSTEM, atMs, {
    eventTypeName: 'LIVE_MIGRATION_SOURCE_WATCH_LOST',
    orgId,
    groupId,
    details: { liveMigrationId: id, watchedTo, reason: sourceWatch.ended },
  });
}

/**
 * Ends all watches of an agent whose link ends. Its requests are refused from then on, so it can't report that they have ended.
 * @param why  as in {@link endWatch}
 */
export async function endWatchesOf(
  transaction: StoreTransaction,
  agent: Agent,
  why: string,
  atMs: number,
): Promise<void> {
  for (const migration of await transaction.find('migrations', { agentId: agent.id, isWatched: true }))
    await endWatch(transaction, migration, why, atMs);
}
