import type { Binary, Document } from 'mongodb';
import { type Logger, reach } from '../../platform/index.ts';
import { type DocumentKey, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { CollectionMissing, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Gate } from '../concurrency/gate.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { classify, concernsOneCollection } from '../mongodb/failure-policy.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { PartitionRecord } from '../records/records.ts';
import { blameFilter } from '../scope/document-filters.ts';
import { type HeldBatch, type HeldBatchParts, insertHeld, readHeld } from './held-batch.ts';
import type { Pace } from './load-level.ts';

/** The parts of a run that are used here. */
export interface CopyPartitionParts extends HeldBatchParts {
  readonly logger: Logger;
  readonly gate: Gate;
  readonly pace: Pace;
}

/** Aimed size of a batch: large enough for the server, small enough that several in flight cost little memory. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_DOCUMENTS = 20_000;
const SAVE_PROGRESS_EVERY_MS = 1_000;

/** Copies one `_id` range, from its last acknowledged key on [33]. */
export async function copyPartition(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  partition: PartitionRecord,
  throttle: Throttle,
): Promise<void> {
  const progress = new PartitionProgress(context, collection, partition);
  const writes: Promise<void>[] = [];
  try {
    const batches = collection.isCapped
      ? readInOrder(context, collection)
      : readBlamingFilter(context, collection, partition);
    for await (const batch of batches) {
      await context.gate.pass(context.signal);
      const { lastId, bytes } = batch;
      const documents = batch.documents.length;
      await throttle.take(bytes, context.signal);
      if (lastId === null) continue;
      const previous = writes.at(-1);
      const write = insertHeld(context, collection, batch)
        .finally(() => batch[Symbol.dispose]())
        .then(async () => {
          await previous; // Progress is contiguous: a later batch counts once the earlier ones are acknowledged.
          await reach('engine.copy.batch-acknowledged');
          await progress.advance(lastId, documents, bytes);
        });
      write.catch(() => undefined); // Seen below, or by the next write.
      writes.push(write);
      // What is being written while the next batch is read hides the way to the destination.
      const inFlight = collection.isCapped ? 1 : context.pace.load.batchesInFlight;
      while (writes.length >= inFlight) await writes.shift();
    }
    await Promise.all(writes);
  } catch (error) {
    await Promise.allSettled(writes);
    // Whoever tries it again goes on there, and counts nothing twice.
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

/** The range's documents in batches, through failures of cursors and servers. */
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
      filter: collection.selected(rangeFilter(after === null ? undefined : keyFromBytes(bufferOf(after)), high)),
      sort: { _id: 1 },
      ...(collection.isClustered ? {} : { hint: { _id: 1 } }),
    }));
    await using _ = cursor;
    let next: Promise<HeldBatch> | undefined;
    try {
      for (let batch = first; ; ) {
        // The next batch is read while this one is written.
        next = cursor.open ? readNext(context, collection, cursor, batch.bytes) : undefined;
        next?.catch(() => undefined); // Seen at the await.
        if (batch.lastId !== null) {
          yield batch;
          after = batch.lastId;
        }
        if (next === undefined) return;
        batch = await next;
      }
    } catch (error) {
      // A dead cursor costs its unread batches only; whether it was a rename or a drop is found out when opening again.
      const kind = classify(error);
      if (kind !== 'transient' && kind !== 'moved') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading goes on with a new cursor');
    } finally {
      // Nobody wants it any more; one that was handed on has been disposed by then, or will be.
      void next?.then((batch) => batch[Symbol.dispose]()).catch(() => undefined);
    }
  }
}

/**
 * A capped collection from its oldest document on. There is no place to go on from: after a failure, or in another run, it is read again,
 * and what is there already keeps its place [35].
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
        const batch = await readNext(context, collection, cursor, bytes);
        bytes = batch.bytes;
        yield batch;
      }
      return;
    } catch (error) {
      // `history-lost` is CappedPositionLost here: the collection went round faster than it was read.
      if (classify(error) === 'fatal') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading begins again with a new cursor');
    }
  }
}

/** Opens a cursor on the collection, and has its first batch. @param find  the command, by the collection's name */
async function open(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  find: (name: string) => Document,
): Promise<[RawCursor, HeldBatch]> {
  let cursor: RawCursor | undefined;
  const first = await readHeld(context, collection, expectedBytes(collection, 0), async () => {
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
  return [cursor as RawCursor, first];
}

async function readNext(
  context: CopyPartitionParts,
  collection: TrackedCollection,
  cursor: RawCursor,
  previousBytes: number,
): Promise<HeldBatch> {
  return await readHeld(context, collection, expectedBytes(collection, previousBytes), () =>
    cursor.next({ batchSize: batchSize(collection) }),
  );
}

/** Documents beside each other are of like sizes, more often than not. */
function expectedBytes(collection: TrackedCollection, previousBytes: number): number {
  const aimed = Math.max(BATCH_BYTES, batchSize(collection) * collection.averageBytes);
  return Math.min(REPLY_BYTES, Math.max(aimed, previousBytes));
}

/**
 * Bounds as an expression, which compares across types; a plain comparison would leave out ids of other types [27].
 * @param after  exclusive; @param high  inclusive; undefined for no bound
 */
export function rangeFilter(after: DocumentKey | undefined, high: DocumentKey | undefined): object {
  const bounds = [
    ...(after === undefined ? [] : [{ $gt: ['$_id', { $literal: after.value }] }]),
    ...(high === undefined ? [] : [{ $lte: ['$_id', { $literal: high.value }] }]),
  ];
  return bounds.length === 0 ? {} : { $expr: { $and: bounds } };
}

/** How many documents of a collection make a batch of the aimed size. */
export function batchSize(collection: TrackedCollection): number {
  if (collection.averageBytes === 0) return 1_000;
  return Math.max(1, Math.min(BATCH_DOCUMENTS, Math.floor(BATCH_BYTES / collection.averageBytes)));
}

/** What of a partition is acknowledged. It counts for others once it is on record, so that a successor never says less. */
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
    // A capped collection is read from its beginning again.
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
    await this.#context.retrier.run('the destination', () =>
      this.#context.checkpoint.savePartition(this.#partition._id, { lastId: this.#lastId, documents, bytes, done }),
    );
    copied.documents += documents - this.#recorded.documents;
    copied.bytes += bytes - this.#recorded.bytes;
    this.#recorded = { documents, bytes };
  }
}
