import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface NoteReorderedParts {
  readonly checkpoint: RetryingCheckpointStore;
}

/** Marks a capped collection for a comparison of its whole order before the cutover. The mark is on record when this returns. */
export async function noteReordered({ checkpoint }: NoteReorderedParts, collection: TrackedCollection): Promise<void> {
  collection.reorders += 1;
  if (!collection.reordered) {
    collection.reordered = true;
    collection.reorderedOnRecord = checkpoint.saveCollection(collection);
  }
  await collection.reorderedOnRecord;
}
