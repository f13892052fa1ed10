import type { Records } from '../records/context.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** Marks a capped collection for a comparison of its whole order before the cutover. The mark is on record when this returns. */
export async function noteReordered({ checkpoint }: Records, collection: TrackedCollection): Promise<void> {
  collection.reorders += 1;
  if (!collection.reordered) {
    collection.reordered = true;
    collection.reorderedOnRecord = checkpoint.saveCollection(collection);
  }
  await collection.reorderedOnRecord;
}
