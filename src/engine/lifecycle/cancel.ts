import { UserError } from '../../platform/index.ts';
import { canWriteThroughBlock, unblockWrites } from '../cutover/write-block.ts';
import type { EngineContext } from './context.ts';
import type { MigrationLog } from './migration-log.ts';

/** How the operator wants a migration to be given up. */
export interface Cancellation {
  /** Also drop what was copied. */
  readonly drop: boolean;
}

/**
 * Gives a migration up, for good. Nothing follows any more and nobody is blocked; what was copied stays, with weakened indexes, unless it
 * is to be dropped.
 */
export async function cancel(context: EngineContext, log: MigrationLog, { drop }: Cancellation): Promise<'cancelled'> {
  const { destination, retrier, tracked, checkpoint } = context;
  if (drop) {
    // The destination was empty, or had been emptied by permission, so its databases of these names are the migration's own.
    const databases = new Set([...tracked.values()].map(({ database }) => database));
    for (const database of databases) {
      await retrier.run('the destination', () => destination.db(database).command({ dropDatabase: 1 }));
    }
    await retrier.run('the destination', () => context.accounts.drop());
  }
  await retrier.run('the destination', () => checkpoint.forgetCollections());
  tracked.clear();
  if (await canWriteThroughBlock(destination)) {
    await retrier.run('the destination', () => unblockWrites(destination));
  }
  await log.enter('cancelled');
  return 'cancelled';
}

/** @throws UserError WRONG_STATE once the destination is the primary copy */
export function refuseLateCancel(state: string, committed: boolean): void {
  if (committed || state === 'committed') throw new UserError('WRONG_STATE', ['Cancelling', 'committed']);
}
