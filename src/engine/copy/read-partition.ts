import type { Binary } from 'mongodb';
import { type DocumentKey, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { refuseRepeatedId, refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { ifEmptyPart, partsOfRange } from '../compare/key-range.ts';
import { bulkRead } from '../mongodb/bulk-reads.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import type { PartitionRecord } from '../records/records.ts';
import { type BegunRead, finishRead, type HeldBatch } from './held-batch.ts';
import { canReadOn, discard, openRead, readNext } from './open-read.ts';
import type { PartitionPosition } from './partition-progress.ts';

/** A batch, and where the reading resumes after it. */
export interface ReadBatch {
  readonly batch: HeldBatch;
  readonly position: PartitionPosition;
  /** Whether the reading began again with this batch. */
  readonly startsOver: boolean;
}

/** Yields the range's documents in batches, through failures of cursors and servers. */
export async function* readPartition(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<ReadBatch> {
  let after = partition.lastId ?? partition.low;
  const high = keyFromBytes(bufferOf(partition.high));
  const { isClustered } = collection;
  const { pinsReads: takesHint } = context.sourceFeatures;
  const select = (query: object) => collection.selected(query);
  for (let isRead = false; !isRead; ) {
    isRead = true;
    const range = { after: after === null ? undefined : keyFromBytes(bufferOf(after)), high };
    for (const part of partsOfRange(range, { isClustered, takesHint, select })) {
      const find = (name: string) => ({ find: name, ...part });
      const opened = await openRead(context, collection, find, bulkRead).catch(ifEmptyPart);
      if (opened === undefined) continue;
      const [cursor, first] = opened;
      await using _ = cursor;
      let next: BegunRead | undefined;
      let previous: DocumentKey | undefined;
      try {
        for (let batch = first; ; ) {
          // Read the next batch while this one is written.
          next = cursor.open ? readNext(context, collection, cursor, batch.bytes) : undefined;
          if (batch.lastId !== null) {
            await refuseRepetitions(context, collection, batch, { previous, after });
            previous = keyFromBytes(bufferOf(batch.lastId));
            yield { batch, position: { lastId: batch.lastId }, startsOver: false };
            after = batch.lastId;
          }
          if (next === undefined) break;
          batch = await finishRead(context, next);
        }
      } catch (error) {
        // A lost cursor costs only its unread batches. Opening a new one shows whether the collection was renamed or
        // dropped.
        if (!canReadOn(error)) throw error;
        context.logger.debug(
          { event: 'copy.read_resumed', namespace: collection.namespace, error },
          'Reading resumes with a new cursor',
        );
        isRead = false;
        break;
      } finally {
        discard(next);
      }
    }
  }
}

/**
 * Refuses a batch with an `_id` that two shards have. It is disposed then.
 * @param read  the last key that this cursor has read, and the key after which it began
 * @throws RepeatedId, NotNow
 */
async function refuseRepetitions(
  context: Clusters & Pace,
  collection: TrackedCollection,
  batch: HeldBatch,
  { previous, after }: { readonly previous: DocumentKey | undefined; readonly after: Binary | null },
): Promise<void> {
  const { readAfter } = collection;
  try {
    if (previous === undefined && after !== null)
      await refuseRepeatedId(context, collection, keyFromBytes(bufferOf(after)), readAfter);
    await refuseRepeatedIds(context, collection, batch.documents, readAfter, previous);
  } catch (error) {
    batch[Symbol.dispose]();
    throw error;
  }
}

/**
 * Reads a capped collection from its oldest document on. It can't resume: after a failure, or in another run, it is
 * read again, and existing documents keep their place (docs/reference/pitfalls.md#pitfall-35).
 */
export async function* readInOrder(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
): AsyncGenerator<ReadBatch> {
  // rule: count-reread-capped-anew
  for (let startsOver = false; ; startsOver = true) {
    const [cursor, first] = await openRead(context, collection, (name) => ({ find: name, hint: { $natural: 1 } }));
    await using _ = cursor;
    try {
      let { bytes } = first;
      yield { batch: first, position: { lastId: first.lastId }, startsOver };
      while (cursor.open) {
        const batch = await finishRead(context, readNext(context, collection, cursor, bytes));
        bytes = batch.bytes;
        yield { batch, position: { lastId: batch.lastId }, startsOver: false };
      }
      return;
    } catch (error) {
      // Here `history-lost` is CappedPositionLost: the collection discarded documents faster than they were read.
      if (classify(error) === 'fatal') throw error;
      context.logger.debug(
        { event: 'copy.read_restarted', namespace: collection.namespace, error },
        'Reading restarts with a new cursor',
      );
    }
  }
}
