import type { Clock, UserError } from '../../platform/index.ts';
import { refusedAgain, type TrackedCollection } from '../collections/tracked-collection.ts';
import type { DirtyKey } from './dirty-key.ts';
import type { Spool, SpoolParts } from './spool.ts';
import type { StreamPosition } from './stream-position.ts';

/** The parts of a run that are used here. */
interface SetAsideParts extends SpoolParts {
  readonly clock: Clock;
  readonly position: StreamPosition;
}

/**
 * Takes a collection out of the lanes, since the destination refuses one of its documents or the source's server does not have it: all its
 * keys go to the spool, and wait there as they do during a copy. So the checkpoint moves on, and all other collections do. On record it is not live any more, or a successor would
 * clear its spool. To be called while nothing is pending for it that clears the spool.
 * @param dirty  keys that are in no lane any more; durable when it returns
 * @returns whether it was live until now
 */
export async function setAside(
  context: SetAsideParts,
  spool: Spool,
  collection: TrackedCollection,
  dirty: readonly DirtyKey[],
  error: UserError | undefined,
): Promise<boolean> {
  const wasLive = collection.state === 'live';
  collection.advance({ kind: 'set aside' });
  if (error !== undefined) collection.stuck = refusedAgain(collection.stuck, error, context.clock);
  // In the same breath, so that in the spool no later change comes before them.
  for (const { key, sequence, state } of dirty) spool.add(collection, key, sequence, context.position.time, state);
  const { checkpoint, retrier } = context;
  const save = () => checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId));
  const recorded = retrier.run('the destination', save);
  // Changes that come from here on go to the spool as well.
  spool.holdUntil(recorded);
  await recorded;
  await spool.flush();
  return wasLive;
}
