import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface NoteReorderedParts {
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
}

/** Marks a capped collection for a comparison of its whole order before the cutover ends. The mark is on record when this returns. */
export async function noteReordered(
  { checkpoint, retrier }: NoteReorderedParts,
  collection: TrackedCollection,
): Promise<void> {
  if (!collection.reordered) {
    collection.reordered = true;
    const save = () => checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId));
    collection.reorderedOnRecord = retrier.run('the destination', save);
  }
  await collection.reorderedOnRecord;
}
