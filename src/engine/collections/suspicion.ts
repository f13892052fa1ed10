import { newId } from '../../platform/index.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that marking needs. */
export interface SuspicionParts {
  readonly checkpoint: RetryingCheckpointStore;
  readonly tracked: Map<string, TrackedCollection>;
}

/**
 * Marks collections as suspect if the destination may have data of them. A collection whose copy hasn't begun is read
 * later anyway. On record when it returns.
 * @param concerned  which ones; all by default
 * @returns the marked collections
 */
export async function markSuspect(
  { tracked, checkpoint }: SuspicionParts,
  concerned: (collection: TrackedCollection) => boolean = () => true,
): Promise<readonly TrackedCollection[]> {
  const mark = newId();
  const begun = [...tracked.values()].filter((collection) => collection.isBegun && concerned(collection));
  // rule: mark-suspect-collections
  for (const collection of begun) collection.suspicion = { mark, comparedTo: null };
  const uuids = begun.map(({ uuid }) => uuid);
  await checkpoint.saveSuspects(uuids, mark);
  return begun;
}

/**
 * Runs work in the write pause that leaves a collection incomplete until it ends. If it fails, or the engine is killed
 * meanwhile, the collection is suspect. While it runs, the collection counts as complete, because the cutover waits for
 * it.
 * @throws what `work` throws
 */
export async function whileSuspect(
  { checkpoint }: Pick<SuspicionParts, 'checkpoint'>,
  collection: TrackedCollection,
  work: () => Promise<void>,
): Promise<void> {
  const mark = newId();
  // rule: mark-capped-recopy
  await checkpoint.saveSuspects([collection.uuid], mark);
  try {
    await work();
  } catch (error) {
    // rule: recopy-aborted-capped
    collection.suspicion = { mark, comparedTo: null };
    throw error;
  }
  await checkpoint.clearSuspect(collection.uuid, mark);
}
