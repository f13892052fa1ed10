import type { MigrationState, Order } from '../../contract/index.ts';
import { UserError } from '../../platform/index.ts';
import type { RunContext } from '../collections/context.ts';
import { dropMade } from '../collections/reconcile.ts';
import { openDestination } from '../cutover/destination-block.ts';
import type { Records } from '../records/context.ts';
import type { MigrationLog } from '../records/migration-log.ts';

/**
 * Cancels a migration permanently. It follows no more changes, and blocks no users. The copied data stays, with weakened
 * indexes, unless it is dropped.
 */
export async function cancel(
  context: RunContext,
  log: MigrationLog,
  { drop }: Pick<Order, 'drop'>,
): Promise<'CANCELLED'> {
  const { retrier, checkpoint, isReversed } = context;
  // rule: cancelled-direction-stays-blocked
  if (isReversed) return await endReverse(context, log);
  if (drop) {
    await dropMade(context);
    await retrier.run('the destination', () => context.accounts.drop());
  }
  // Keeps the other records: the cleanup needs to know what stays, and users may ask for the progress.
  await checkpoint.forgetSpool();
  if (log.record.blocksDestination) await openDestination(context);
  await log.save({ blocksDestination: false });
  await log.advance('cancelled');
  return 'CANCELLED';
}

/** @throws UserError WRONG_STATE once the destination is the primary copy */
export function refuseLateCancel(state: MigrationState, committed: boolean): void {
  if (committed || state === 'COMMITTED') throw new UserError('WRONG_STATE', ['Cancelling', 'committed']);
}

/** Ends the opposite direction. The old source keeps its data, its indexes and its write block. */
async function endReverse({ checkpoint }: Records, log: MigrationLog): Promise<'CANCELLED'> {
  await checkpoint.forgetSpool();
  await log.advance('cancelled');
  return 'CANCELLED';
}
