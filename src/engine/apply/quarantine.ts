import type { UserError } from '../../platform/index.ts';
import type { Dispatched } from '../collections/context.ts';
import { refusedAgain, type TrackedCollection } from '../collections/tracked-collection.ts';
import type { Pace, Records } from '../records/context.ts';
import type { DirtyKey } from './dirty-key.ts';
import type { Spool } from './spool.ts';

/**
 * Takes a collection out of the lanes, because the destination refuses one of its documents, or the source's server
 * doesn't have it. All its keys go to the spool and wait there, as during a copy, so the checkpoint and all other
 * collections make progress. The record says that it isn't live any more; otherwise a successor would clear its spool.
 * Must not be called while something that clears the spool is pending for it.
 * @param dirty  keys that are in no lane any more; durable when it returns
 * @returns whether it was live until now
 */
export async function quarantine(
  context: Records & Pace & Dispatched,
  spool: Spool,
  collection: TrackedCollection,
  dirty: readonly DirtyKey[],
  error: UserError | undefined,
): Promise<boolean> {
  const wasLive = collection.state === 'live';
  collection.advance({ kind: 'quarantined' });
  if (error !== undefined) collection.stuck = refusedAgain(collection.stuck, error, context.clock);
  // No `await` before this line: no later change may enter the spool before these keys.
  for (const { key, sequence, state } of dirty) spool.add(collection, key, sequence, context.position.time, state);
  const recorded = context.checkpoint.saveCollection(collection);
  // From here on, new changes go to the spool too.
  spool.holdUntil(recorded);
  await recorded;
  await spool.flush();
  return wasLive;
}
