import type { EngineContext } from '../run/context.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** Has the whole order of a capped collection compared before the cutover ends. On record when it returns. */
export async function noteReordered(
  { checkpoint, retrier }: EngineContext,
  collection: TrackedCollection,
): Promise<void> {
  if (!collection.reordered) {
    collection.reordered = true;
    const save = () => checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId));
    collection.reorderedOnRecord = retrier.run('the destination', save);
  }
  await collection.reorderedOnRecord;
}
