import type { Records, Telling } from '../records/context.ts';
import { recordedCounts } from '../records/counters.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/**
 * Counts and records a restart when the collection counted as copied in part, so that progress can explain why its counts fell.
 * The counter changes before the first `await`: readers see it together with the caller's change.
 */
export async function declareRestart(
  { counters, checkpoint }: Records & Telling,
  { copied, isDone }: TrackedCollection,
): Promise<void> {
  // One without documents counts, too: its ranges are done, or it is.
  if (copied.documents === 0 && copied.partitionsDone === 0 && !isDone) return;
  counters.restarts += 1;
  await checkpoint.save({ counts: recordedCounts(counters) });
}
