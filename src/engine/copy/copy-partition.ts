import type { Binary, Document } from 'mongodb';
import { type Logger, reach } from '../../platform/index.ts';
import { keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { CollectionMissing, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { rangeFilter } from '../compare/document-reader.ts';
import type { Gate } from '../concurrency/gate.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { classify, concernsOneCollection } from '../mongodb/failure-policy.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { PartitionRecord } from '../records/records.ts';
import { blameFilter } from '../scope/document-filters.ts';
import {
  type BegunRead,
  beginRead,
  finishRead,
  type HeldBatch,
  type HeldBatchParts,
  insertHeld,
} from './held-batch.ts';
import type { Pace } from './load-level.ts';

/** The parts of a run that copying a range needs. */
export interface CopyPartitionParts extends HeldBatchParts {
  readonly logger: Logger;
  readonly gate: Gate;
  readonly pace: Pace;
}

/** Target size of a batch: large enough for the server, small enough that several in flight need little memory. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_DOCUMENTS = 20_000;
const SAVE_PROGRESS_EVERY_MS = 1_000;

/** Copies one `_id` range, from its last acknowledged key on. */
export async function copyPartition(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  partition: PartitionRecord,
  throttle: Throttle,
): Promise<void> {
  const progress = new PartitionProgress(context, collection, partition);
  const { waitTimes } = context;
  const writes: Promise<void>[] = [];
  try {
    const batches = collection.isCapped
      ? readInOrder(context, collection)
      : readBlamingFilter(context, collection, partition);
    for await (const batch of batches) {
      await context.gate.pass(context.signal);
      const { lastId, bytes } = batch;
      const documents = batch.documents.length;
      await waitTimes.during('throttle', throttle.take(bytes, context.signal));
      if (lastId === null) continue;
      const previous = writes.at(-1);
      const write = insertHeld(context, collection, batch)
        .finally(() => batch[Symbol.dispose]())
        .then(async () => {
          await previous; // Progress is contiguous: a later batch counts once the earlier ones are acknowledged.
          await reach('engine.copy.batch-acknowledged');
          await progress.advance(lastId, documents, bytes);
        });
      write.catch(() => undefined); // Handled below, or by the next write.
      writes.push(write);
      // Writing one batch while reading the next hides the latency to the destination.
      const inFlight = collection.isCapped ? 1 : context.pace.load.batchesInFlight;
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
  context: CopyPartitionParts,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<HeldBatch> {
  try {
    yield* readPartition(context, collection, partition);
  } catch (error) {
    throw blameFilter(collection, error);
  }
}

/** Yields the range's documents in batches, through failures of cursors and servers. */
async function* readPartition(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<HeldBatch> {
  let after = partition.lastId ?? partition.low;
  const high = keyFromBytes(bufferOf(partition.high));
  while (true) {
    const [cursor, first] = await open(context, collection, (name) => ({
      find: name,
      filter: collection.selected(
        rangeFilter({ after: after === null ? undefined : keyFromBytes(bufferOf(after)), high }),
      ),
      sort: { _id: 1 },
      ...(collection.isClustered ? {} : { hint: { _id: 1 } }),
    }));
    await using _ = cursor;
    let next: BegunRead | undefined;
    try {
      for (let batch = first; ; ) {
        // Read the next batch while this one is written.
        next = cursor.open ? readNext(context, collection, cursor, batch.bytes) : undefined;
        if (batch.lastId !== null) {
          yield batch;
          after = batch.lastId;
        }
        if (next === undefined) return;
        batch = await finishRead(context, next);
      }
    } catch (error) {
      // A lost cursor costs only its unread batches. Opening a new one shows whether the collection was renamed or
      // dropped.
      const kind = classify(error);
      if (kind !== 'transient' && kind !== 'moved') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading resumes with a new cursor');
    } finally {
      // Nobody needs this batch. Once handed on, a batch is disposed by its receiver.
      void next?.batch.then((batch) => batch[Symbol.dispose]()).catch(() => undefined);
    }
  }
}

/**
 * Reads a capped collection from its oldest document on. It can't resume: after a failure, or in another run, it is
 * read again, and existing documents keep their place (docs/reference/pitfalls.md#pitfall-35).
 */
export async function* readInOrder(
  context: CopyPartitionParts,
  collection: TrackedCollection,
): AsyncGenerator<HeldBatch> {
  while (true) {
    const [cursor, first] = await open(context, collection, (name) => ({ find: name, hint: { $natural: 1 } }));
    await using _ = cursor;
    try {
      let { bytes } = first;
      yield first;
      while (cursor.open) {
        const batch = await finishRead(context, readNext(context, collection, cursor, bytes));
        bytes = batch.bytes;
        yield batch;
      }
      return;
    } catch (error) {
      // Here `history-lost` is CappedPositionLost: the collection discarded documents faster than they were read.
      if (classify(error) === 'fatal') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading restarts with a new cursor');
    }
  }
}

/**
 * Opens a cursor on the collection and returns its first batch.
 * @param find  the command, by the collection's name
 */
async function open(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  find: (name: string) => Document,
): Promise<[RawCursor, HeldBatch]> {
  let cursor: RawCursor | undefined;
  const begun = beginRead(context, collection, expectedBytes(collection, 0), async () => {
    const [opened, batch] = await onSource(context, collection, (name) =>
      RawCursor.open(context.source, collection.sourceDatabase, {
        ...find(name),
        batchSize: batchSize(collection),
        ...pinTo(context, collection),
        readConcern: { level: 'majority', afterClusterTime: collection.readAfter },
      }),
    );
    cursor = opened;
    return batch;
  });
  const first = await finishRead(context, begun);
  return [cursor as RawCursor, first];
}

function readNext(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  cursor: RawCursor,
  previousBytes: number,
): BegunRead {
  return beginRead(context, collection, expectedBytes(collection, previousBytes), () =>
    cursor.next({ batchSize: batchSize(collection) }),
  );
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

/**
 * The acknowledged part of a partition. Others count it once it is on record, so that a successor never reports less.
 */
class PartitionProgress {
  readonly #context: CopyPartitionParts;
  readonly #collection: TrackedCollection;
  readonly #partition: PartitionRecord;
  #lastId: Binary | null;
  #documents: number;
  #bytes: number;
  #recorded: { readonly documents: number; readonly bytes: number };
  #savedAtMs: number;

  constructor(context: CopyPartitionParts, collection: TrackedCollection, partition: PartitionRecord) {
    this.#context = context;
    this.#collection = collection;
    this.#partition = partition;
    this.#lastId = partition.lastId;
    // A capped collection is read again from its beginning.
    this.#documents = collection.isCapped ? 0 : partition.documents;
    this.#bytes = collection.isCapped ? 0 : partition.bytes;
    this.#recorded = partition;
    this.#savedAtMs = context.clock.elapsed();
  }

  async advance(lastId: Binary, documents: number, bytes: number): Promise<void> {
    this.#lastId = lastId;
    this.#documents += documents;
    this.#bytes += bytes;
    if (this.#context.clock.elapsed() - this.#savedAtMs < SAVE_PROGRESS_EVERY_MS) return;
    this.#savedAtMs = this.#context.clock.elapsed();
    await this.save();
    await reach('engine.copy.progress-saved');
  }

  async finish(): Promise<void> {
    await this.save(true);
    this.#collection.copied.partitionsDone += 1;
  }

  async save(done = false): Promise<void> {
    const { copied } = this.#collection;
    const documents = Math.max(this.#documents, this.#recorded.documents);
    const bytes = Math.max(this.#bytes, this.#recorded.bytes);
    const fields = { lastId: this.#lastId, documents, bytes, done };
    await this.#context.checkpoint.savePartition(this.#partition._id, fields);
    copied.documents += documents - this.#recorded.documents;
    copied.bytes += bytes - this.#recorded.bytes;
    this.#recorded = { documents, bytes };
  }
}
