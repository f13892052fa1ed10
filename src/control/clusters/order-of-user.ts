import { errorDataOf, errorText } from '../../contract/index.ts';
import type { UserError } from '../../platform/index.ts';
import { audit, SYSTEM } from '../audit/audit.ts';
import type { Control } from '../ports/control.ts';
import { transition } from '../records/migration-transitions.ts';
import type { DestinationUser, Migration, Order, Validation } from '../records/records.ts';
import type { StoreReader } from '../records/store-port.ts';

/** The order for which a user on a destination exists. */
export interface UserOfOrder extends Pick<Order, 'orgId' | 'groupId' | 'agentId' | 'reversible' | 'usersAndRoles'> {
  /** Null while the user is needed. */
  readonly endedAtMs: number | null;
  /** Whether an operator cancelled the order and its agent has not confirmed it yet. */
  readonly isCancelled: boolean;
}

/** The migration or validation of a user. */
export async function orderOf(store: StoreReader, user: DestinationUser): Promise<UserOfOrder> {
  if (user.purpose === 'migration') {
    const migration = await migrationOf(store, user);
    const { endedAtMs, order } = migration.state;
    return { ...migration, endedAtMs, isCancelled: order.wanted === 'CANCELLED' };
  }
  const validation = await validationOf(store, user);
  // 0, because an agent that has reported a result no longer uses the user.
  return { ...validation, endedAtMs: validation.status === 'PENDING' ? null : 0, isCancelled: false };
}

/**
 * Ends a migration or validation whose order was never sent to its agent.
 * @param reason  why it has no user
 */
export async function failOrder(
  { store, clock }: Control,
  user: DestinationUser,
  reason: UserError | 'cancelled',
): Promise<void> {
  const atMs = clock.now();
  await store.write(async (transaction) => {
    if (user.purpose === 'migration') {
      const migration = await migrationOf(transaction, user);
      const event =
        reason === 'cancelled'
          ? ({ kind: 'cancelled', atMs } as const)
          : ({ kind: 'failed', error: errorDataOf(reason), atMs } as const);
      const state = transition(migration.state, event);
      if (typeof state === 'string') return;
      await transaction.update('migrations', { ...migration, state, password: null, updatedAtMs: atMs });
      const { id, orgId, groupId } = migration;
      const details = { liveMigrationId: id };
      await audit(transaction, SYSTEM, atMs, { eventTypeName: 'LIVE_MIGRATION_FAILED', orgId, groupId, details });
    } else if (reason !== 'cancelled') {
      const validation = await validationOf(transaction, user);
      if (validation.status !== 'PENDING') return;
      const findings = [{ severity: 'ERROR', ...errorDataOf(reason) } as const];
      await transaction.update('validations', {
        ...validation,
        status: 'FAILED',
        errorMessage: errorText(reason),
        findings,
        password: null,
      });
      const { id, orgId, groupId } = validation;
      const details = { validationId: id, status: 'FAILED' };
      await audit(transaction, SYSTEM, atMs, {
        eventTypeName: 'LIVE_MIGRATION_VALIDATION_ENDED',
        orgId,
        groupId,
        details,
      });
    }
  });
}

async function migrationOf(store: StoreReader, { id }: DestinationUser): Promise<Migration> {
  const migration = await store.get('migrations', id);
  if (!migration) throw new Error(`The migration ${id} is missing in the store`);
  return migration;
}

async function validationOf(store: StoreReader, { id }: DestinationUser): Promise<Validation> {
  const validation = await store.get('validations', id);
  if (!validation) throw new Error(`The validation ${id} is missing in the store`);
  return validation;
}
