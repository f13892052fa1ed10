import type { Document } from 'mongodb';
import { onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import type { bulkRead } from '../mongodb/bulk-reads.ts';
import { classify } from '../mongodb/failure-policy.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { Clusters, Pace } from '../records/context.ts';
import { type BegunRead, beginRead, finishRead, type HeldBatch } from './held-batch.ts';

/** Target size of a batch: large enough for the server, small enough that several in flight need little memory. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_DOCUMENTS = 20_000;

/**
 * Opens a cursor on the collection and returns its first batch.
 * @param find  the command, by the collection's name
 * @param read  reads from the primary by default: record ids and positions in natural order are a member's own
 */
export async function openRead(
  context: Clusters & Pace,
  collection: TrackedCollection,
  find: (name: string) => Document,
  read: typeof bulkRead = (client, run) => run(client, {}),
): Promise<[RawCursor, HeldBatch]> {
  let cursor: RawCursor | undefined;
  const begun = beginRead(context, collection, expectedBytes(collection, 0), async () => {
    const [opened, batch] = await onSource(context, collection, (name) =>
      read(context.source, (client, bound) =>
        RawCursor.open(client, collection.sourceDatabase, {
          ...find(name),
          batchSize: batchSize(collection),
          ...pinTo(context, collection),
          ...bound,
          // rule: copy-reads-majority
          readConcern: { level: 'majority', afterClusterTime: collection.readAfter },
        }),
      ),
    );
    cursor = opened;
    return batch;
  });
  const first = await finishRead(context, begun);
  return [cursor as RawCursor, first];
}

/** Begins to read the cursor's next batch. */
export function readNext(
  context: Pace,
  collection: TrackedCollection,
  cursor: RawCursor,
  previousBytes: number,
): BegunRead {
  return beginRead(context, collection, expectedBytes(collection, previousBytes), () =>
    cursor.next({ batchSize: batchSize(collection) }),
  );
}

/** Whether a new cursor can continue after an error: the cursor or its server was lost, or the collection has moved. */
export function canReadOn(error: unknown): boolean {
  const kind = classify(error);
  return kind === 'transient' || kind === 'moved';
}

/** Gives up a read that is no longer needed. Once handed on, a batch is disposed by its receiver instead. */
export function discard(read: BegunRead | undefined): void {
  void read?.batch.then((batch) => batch[Symbol.dispose]()).catch(() => undefined);
}

/** Neighbouring documents usually have similar sizes. */
function expectedBytes(collection: TrackedCollection, previousBytes: number): number {
  const aimed = Math.max(BATCH_BYTES, batchSize(collection) * collection.averageBytes);
  return Math.min(REPLY_BYTES, Math.max(aimed, previousBytes));
}

/** Returns how many documents of a collection make a batch of the target size. */
export function batchSize(collection: TrackedCollection): number {
  if (collection.averageBytes === 0) return 1_000;
  return Math.max(1, Math.min(BATCH_DOCUMENTS, Math.floor(BATCH_BYTES / collection.averageBytes)));
}
