import { type Logger, messageOf } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { mayBeCommitted } from '../records/may-be-committed.ts';
import type { Transition } from '../records/migration-state.ts';
import { transition } from '../records/migration-transitions.ts';
import type { Migration } from '../records/records.ts';
import { endSilentWatches } from './source-watches.ts';

/** Short compared to a window of 120 h; each check reads the store once. */
const LOOK_EVERY_MS = 10_000;

/**
 * Ends the migrations whose cutover window has expired, and wakes their agents to stop them. Leaves those alone that may
 * have committed.
 * @returns how many
 */
export async function expireMigrations({
  store,
  clock,
  signals,
}: Pick<Control, 'store' | 'clock' | 'signals'>): Promise<number> {
  const atMs = clock.now();
  const isOver = (migration: Migration) => typeof expiryOf(migration, atMs) !== 'string';
  if (!(await store.find('migrations', { isActive: true })).some(isOver)) return 0;
  const agentIds = await store.write(async (transaction) => {
    const expired = (await transaction.find('migrations', { isActive: true })).filter(isOver);
    for (const migration of expired) {
      const state = expiryOf(migration, atMs);
      if (typeof state === 'string') continue;
      await transaction.update('migrations', { ...migration, state, password: null, updatedAtMs: atMs });
      const { id, orgId, groupId } = migration;
      const details = { liveMigrationId: id };
      await audit(transaction, SYSTEM, atMs, { eventTypeName: 'LIVE_MIGRATION_EXPIRED', orgId, groupId, details });
    }
    return expired.map(({ agentId }) => agentId);
  });
  for (const agentId of agentIds) signals.wake(agentId);
  return agentIds.length;
}

/** Repeats {@link expireMigrations} until `signal` aborts. Retries when the store fails. */
export async function keepExpiring(control: Control, logger: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await endSilentWatches(control);
      const expired = await expireMigrations(control);
      if (expired > 0) logger.warn({ event: 'migration.windows_expired', expired }, 'cutover windows have expired');
    } catch (error) {
      logger.error(
        { event: 'migration.windows_unchecked', reason: messageOf(error) },
        'could not check cutover windows',
      );
    }
    await control.clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function expiryOf({ state, progress }: Migration, atMs: number): Transition {
  return transition(state, { kind: 'window ran out', atMs, mayBeCommitted: mayBeCommitted(state, progress) });
}
