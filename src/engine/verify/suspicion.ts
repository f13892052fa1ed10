import { newId } from '../../platform/index.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';

/** The parts of a run that marking needs. */
interface SuspicionParts {
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
  readonly tracked: Map<string, TrackedCollection>;
}

/**
 * Marks collections as suspect if the destination may have data of them. A collection whose copy hasn't begun is read
 * later anyway. On record when it returns.
 * @param concerned  which ones; all by default
 * @returns the marked collections
 */
export async function markSuspect(
  { tracked, checkpoint, retrier }: SuspicionParts,
  concerned: (collection: TrackedCollection) => boolean = () => true,
): Promise<readonly TrackedCollection[]> {
  const mark = newId();
  const begun = [...tracked.values()].filter((collection) => collection.isBegun && concerned(collection));
  for (const collection of begun) collection.suspicion = { mark, comparedTo: null };
  const uuids = begun.map(({ uuid }) => uuid);
  await retrier.run('the destination', () => checkpoint.saveSuspects(uuids, mark));
  return begun;
}
