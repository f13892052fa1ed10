import { UserError } from '../../platform/index.ts';
import { dropMade } from '../collections/reconcile.ts';
import { hasBlocked, openDestination } from '../cutover/destination-block.ts';
import type { MigrationLog } from '../records/migration-log.ts';
import type { RunParts } from './parts.ts';

/** How the operator wants a migration to be given up. */
export interface Cancellation {
  /** Also drop what was copied. */
  readonly drop: boolean;
}

/**
 * Gives a migration up, for good. Nothing follows any more and nobody is blocked; what was copied stays, with weakened indexes, unless it
 * is to be dropped.
 */
export async function cancel(context: RunParts, log: MigrationLog, { drop }: Cancellation): Promise<'cancelled'> {
  const { retrier, checkpoint } = context;
  if (drop) {
    await dropMade(context);
    await retrier.run('the destination', () => context.accounts.drop());
  }
  // What stays is on record for whoever cleans up, and how far it came for whoever asks.
  await checkpoint.forgetSpool();
  if (await hasBlocked(context, log)) await openDestination(context);
  await log.save({ blocksDestination: false });
  await log.advance('cancelled');
  return 'cancelled';
}

/** @throws UserError WRONG_STATE once the destination is the primary copy */
export function refuseLateCancel(state: string, committed: boolean): void {
  if (committed || state === 'committed') throw new UserError('WRONG_STATE', ['Cancelling', 'committed']);
}
