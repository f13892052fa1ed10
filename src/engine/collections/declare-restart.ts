import { type Counters, recordedCounts } from '../records/counters.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface DeclareRestartParts {
  readonly checkpoint: RetryingCheckpointStore;
  readonly counters: Counters;
}

/**
 * What was copied of a collection counts no more, which whoever watches has to be told, also by a successor. Counted before the first wait, so
 * that the caller can forget what was copied in the same breath.
 */
export async function declareRestart(
  { counters, checkpoint }: DeclareRestartParts,
  { copied, isDone }: TrackedCollection,
): Promise<void> {
  // An empty collection that was done counts as a collection.
  if (copied.documents === 0 && !isDone) return;
  counters.restarts += 1;
  await checkpoint.save({ counts: recordedCounts(counters) });
}
