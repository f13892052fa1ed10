import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore } from '../records/checkpoint-store.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
export interface NoteReorderedParts {
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
}

/** Has the whole order of a capped collection compared before the cutover ends. On record when it returns. */
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
