import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { Retrier } from '../mongodb/retry.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import type { MigrationRecord } from '../records/records.ts';
import { recordsOn } from '../records/records-on.ts';

/**
 * Refuses to run a direction that has cut over, when that is no longer on its record. The destination was restored, or
 * the record was removed, and users write there: nothing may be copied there, and nothing dropped. The opposite
 * direction's record is on the source, and begins only after the cutover.
 * @param reversals  the direction
 * @throws UserError WAY_BACK_LOST
 */
export async function refuseLostCommit(
  source: MongoClient,
  checkpoint: CheckpointStore,
  retrier: Retrier,
  reversals: number,
): Promise<void> {
  const { migrationId } = checkpoint;
  const opposite = await retrier.run('the source', () => readOpposite(source, migrationId));
  if (opposite === undefined || (opposite.reversals ?? 0) <= reversals) return;
  const own = await retrier.run('the destination', () => checkpoint.peek());
  const isOnRecord = own?.cutover?.committed === true || own?.retiredBy !== undefined;
  if (isOnRecord || (own?.reversals ?? 0) > reversals) return;
  throw new UserError('WAY_BACK_LOST', [
    migrationId,
    'it has cut over, and the record of that is gone from the side that got the users, or an older one was restored',
  ]);
}

/** @returns undefined when there is none, also when the source's user may not read it: then it never was a destination */
async function readOpposite(source: MongoClient, migrationId: string): Promise<MigrationRecord | undefined> {
  try {
    return (await recordsOn<MigrationRecord>(source, 'migrations').findOne({ _id: migrationId })) ?? undefined;
  } catch (error) {
    if (isUnauthorized(error)) return undefined;
    throw error;
  }
}
