import { UserError } from '../../platform/index.ts';
import { audit } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { wakeSet } from '../ports/wake-set.ts';
import type { Actor } from '../records/actor.ts';
import { isDecided } from '../records/migration-state.ts';
import type { Migration } from '../records/records.ts';
import { findMigration } from './migrations.ts';
import { readyStandby, standbysOf } from './standbys.ts';
import { takeOver } from './take-over.ts';

/**
 * Moves a migration to a host that stands by for it: its agent stops it with a checkpoint, and the other one resumes it. Repeating
 * the request is harmless. The host that leads it takes a move back that isn't made yet.
 * @throws UserError STANDBY_NOT_READY, LIVE_MIGRATION_ENDED, LIVE_MIGRATION_DECIDED, and as {@link findMigration}
 */
export async function moveMigration(
  control: Control,
  actor: Actor,
  [groupId, migrationId]: readonly [groupId: string, migrationId: string],
  toHost: string,
): Promise<Migration> {
  const atMs = control.clock.now();
  const moved = await control.store.write(async (transaction) => {
    const migration = await findMigration(transaction, actor, groupId, migrationId, 'ORG_OWNER');
    const { id, orgId, state, host, move } = migration;
    if (state.endedAtMs !== null) throw new UserError('LIVE_MIGRATION_ENDED', [id, state.status]);
    if (state.status !== 'COMPLETE' && isDecided(state))
      throw new UserError('LIVE_MIGRATION_DECIDED', [id, state.order.wanted.toLowerCase()]);
    if (toHost === (move?.toHost ?? host)) return migration;
    const leader = await transaction.get('agents', migration.agentId);
    if (leader === undefined) throw new Error(`The agent of migration ${id} is missing in the store`);
    const standby = await readyStandby(transaction, migration, leader, { atMs, host: toHost });
    if (standby === undefined && toHost !== host) {
      const found = (await standbysOf(transaction, migration, leader, atMs)).find((one) => one.host === toHost);
      const why = found?.reason ?? (found ? 'it has not reported for 25 s' : 'no agent of the same link-token has it');
      throw new UserError('STANDBY_NOT_READY', [toHost, id, why]);
    }
    const reason = 'REQUESTED';
    const details = { liveMigrationId: id, migrationHost: toHost, reason };
    await audit(transaction, actor, atMs, { eventTypeName: 'LIVE_MIGRATION_MOVE_REQUESTED', orgId, groupId, details });
    const changed = {
      ...migration,
      move: standby === undefined ? null : ({ atMs, toHost, reason } as const),
      updatedAtMs: atMs,
    };
    // No agent has its order yet, so none has to stop it.
    if (standby !== undefined && !state.orderSent)
      return await takeOver(control, transaction, changed, { standby, atMs, reason });
    await transaction.update('migrations', changed);
    return changed;
  });
  control.userAlarm.ring();
  await wakeSet(control, moved.agentId);
  return moved;
}
