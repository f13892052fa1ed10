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
 * What was copied of a collection counts no more, which whoever watches has to be told, also by a successor. Counted before the first wait, so
 * that the caller can forget what was copied in the same breath.
 */
export async function declareRestart(
  { counters, checkpoint, retrier }: DeclareRestartParts,
  { copied }: TrackedCollection,
): Promise<void> {
  if (copied.documents === 0) return;
  counters.restarts += 1;
  await retrier.run('the destination', () => checkpoint.save({ counts: recordedCounts(counters) }));
}
