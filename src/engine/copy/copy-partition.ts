import { failpoint } from '../../platform/index.ts';
import { CollectionMissing } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Load } from '../concurrency/load-level.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { concernsOneCollection } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { PartitionRecord } from '../records/records.ts';
import { blameFilter } from '../scope/document-filters.ts';
import { insertHeld } from './held-batch.ts';
import { PartitionProgress } from './partition-progress.ts';
import { readNaturally } from './read-naturally.ts';
import { type ReadBatch, readInOrder, readPartition } from './read-partition.ts';

/** Copies one partition, from its last acknowledged position on. */
export async function copyPartition(
  context: Clusters & Records & Pace & Telling,
  collection: TrackedCollection,
  partition: PartitionRecord,
  throttle: Throttle,
): Promise<void> {
  const progress = new PartitionProgress(context, collection, partition);
  const { waitTimes } = context;
  const writes: Promise<void>[] = [];
  try {
    let seen = progress.documents.copied;
    for await (const { batch, position, startsOver } of readBlamingFilter(context, collection, partition)) {
      await context.gate.pass(context.signal);
      const { lastId, bytes } = batch;
      const documents = batch.documents.length;
      await waitTimes.during('throttle', throttle.take(bytes, context.signal));
      if (lastId === null) continue;
      if (startsOver) seen = 0;
      // rule: look-up-before-rescan
      const mayBeThere = partition.natural !== undefined && seen < progress.documents.recorded;
      seen += documents;
      const previous = writes.at(-1);
      // rule: acknowledge-before-progress
      const write = insertHeld(context, collection, batch, mayBeThere)
        .finally(() => batch[Symbol.dispose]())
        .then(async () => {
          // rule: batches-in-order
          await previous; // Progress is contiguous: a later batch counts once the earlier ones are acknowledged.
          await failpoint('engine.copy.batch-acknowledged');
          await progress.advance({ position, documents, bytes, startsOver });
        });
      write.catch(() => undefined); // Handled below, or by the next write.
      writes.push(write);
      // Writing one batch while reading the next hides the latency to the destination.
      const inFlight = batchesInFlight(context.load.current, collection, partition);
      for (let oldest = writes[0]; oldest !== undefined && writes.length >= inFlight; oldest = writes[0]) {
        await waitTimes.during('destination', oldest);
        writes.shift();
      }
    }
    await waitTimes.during('destination', Promise.all(writes));
  } catch (error) {
    await Promise.allSettled(writes);
    // The next attempt resumes there, and counts nothing twice.
    if (concernsOneCollection(error) || error instanceof CollectionMissing) await progress.save();
    throw error;
  }
  await progress.finish();
}

async function* readBlamingFilter(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<ReadBatch> {
  try {
    yield* read(context, collection, partition);
  } catch (error) {
    throw blameFilter(collection, error);
  }
}

function read(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<ReadBatch> {
  if (collection.isCapped) return readInOrder(context, collection);
  if (partition.natural !== undefined) return readNaturally(context, collection, partition.natural);
  return readPartition(context, collection, partition);
}

/** A scan in natural order is the collection's only partition, so it writes as much at a time as several. */
function batchesInFlight(load: Load, { isCapped }: TrackedCollection, { natural }: PartitionRecord): number {
  if (isCapped) return 1;
  return natural === undefined ? load.batchesInFlight : load.batchesInFlight * load.partitionsAtATime;
}
