import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import { type Counters, recordedCounts } from '../records/counters.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface DeclareRestartParts {
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
  readonly counters: Counters;
}

/**
 * Counts and records a restart when documents of the collection had been copied, so that progress can explain why its counts fell.
 * The counter changes before the first `await`: readers see it together with the caller's change.
 */
export async function declareRestart(
  { counters, checkpoint, retrier }: DeclareRestartParts,
  { copied }: TrackedCollection,
): Promise<void> {
  if (copied.documents === 0) return;
  counters.restarts += 1;
  await retrier.run('the destination', () => checkpoint.save({ counts: recordedCounts(counters) }));
}
