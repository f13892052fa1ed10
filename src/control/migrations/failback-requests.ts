import { UserError } from '../../platform/index.ts';
import type { Control } from '../ports/control.ts';
import type { Actor } from '../records/actor.ts';
import { isFinishing } from '../records/migration-state.ts';
import type { Migration } from '../records/records.ts';
import { carryOut } from './operator-requests.ts';

/**
 * Makes the opposite direction of a migration that has cut over the current one. Its cutover then returns to the side that had
 * the users before. Repeating it before that cutover changes nothing.
 * @throws UserError FAILBACK_NOT_POSSIBLE, and as {@link findMigration}
 */
export async function reverseMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'reverse' }, (migration) =>
    refusal(migration, 'reversed'),
  );
}

/**
 * Closes the failback of a migration permanently. The side without users stays blocked. Ends a reversal that has not cut over.
 * @throws UserError FAILBACK_NOT_POSSIBLE, and as {@link findMigration}
 */
export async function finishMigration(
  control: Control,
  actor: Actor,
  groupId: string,
  migrationId: string,
): Promise<Migration> {
  return await carryOut(control, actor, [groupId, migrationId], { kind: 'finish' }, (migration) =>
    refusal(migration, 'finished'),
  );
}

function refusal(migration: Migration, what: 'reversed' | 'finished'): UserError {
  return new UserError('FAILBACK_NOT_POSSIBLE', [migration.id, what, whyNot(migration)]);
}

function whyNot({ state, failback }: Migration): string {
  if (isFinishing(state)) return 'its failback is being closed';
  switch (state.failback) {
    case undefined:
      return 'it was created without a failback';
    case 'PLANNED':
      return state.order.wanted === 'CUTOVER' ? 'its cutover has started' : 'it has not cut over yet';
    case 'FAILED':
      return failback?.state === 'FAILED'
        ? `its failback has failed: ${failback.error.message}`
        : 'its failback has failed';
    case 'CLOSED':
      return 'its failback is closed';
    case 'LOST':
      return 'its failback is lost';
    case 'PREPARING':
    case 'FOLLOWING':
      return `it is ${state.status}`;
  }
}
