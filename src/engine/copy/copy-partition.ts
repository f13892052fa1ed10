import { Binary } from 'mongodb';
import { reach } from '../../platform/index.ts';
import { type DocumentKey, keyBytes, keyFromBytes, keyOf } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import { blameFilter } from '../catalog/document-filters.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { PartitionRecord } from '../checkpoint/records.ts';
import { classify, concernsOneCollection } from '../cluster/failure-policy.ts';
import { onSource, pinTo } from '../cluster/moved.ts';
import { type RawBatch, RawCursor } from '../cluster/raw-cursor.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { insertDocuments } from './insert-documents.ts';
import type { Throttle } from './throttle.ts';

/** Aimed size of a batch: large enough for the server, small enough that several in flight cost little memory. */
const BATCH_BYTES = 4 * 1024 * 1024;
const BATCH_DOCUMENTS = 20_000;
const SAVE_PROGRESS_EVERY_MS = 1_000;

/** Copies one `_id` range, from its last acknowledged key on [33]. */
export async function copyPartition(
  context: EngineContext,
  collection: TrackedCollection,
  partition: PartitionRecord,
  throttle: Throttle,
): Promise<void> {
  const progress = new PartitionProgress(context, partition);
  const writes: Promise<void>[] = [];
  try {
    const batches = collection.isCapped
      ? readInOrder(context, collection)
      : readBlamingFilter(context, collection, partition);
    for await (const documents of batches) {
      await context.gate.pass(context.signal);
      const bytes = documents.reduce((sum, document) => sum + document.length, 0);
      await throttle.take(bytes, context.signal);
      const last = documents.at(-1);
      if (last === undefined) continue;
      const previous = writes.at(-1);
      const write = insertDocuments(context, collection, documents).then(async () => {
        await previous; // Progress is contiguous: a later batch counts once the earlier ones are acknowledged.
        await reach('engine.copy.batch-acknowledged');
        await progress.advance(keyOf(last), documents.length, bytes);
      });
      write.catch(() => undefined); // Seen below, or by the next write.
      writes.push(write);
      // What is being written while the next batch is read hides the way to the destination.
      const inFlight = collection.isCapped ? 1 : context.load.batchesInFlight;
      while (writes.length >= inFlight) await writes.shift();
    }
    await Promise.all(writes);
  } catch (error) {
    await Promise.allSettled(writes);
    // Whoever tries it again goes on there, and counts nothing twice.
    if (concernsOneCollection(error)) await progress.save();
    throw error;
  }
  await progress.finish();
}

async function* readBlamingFilter(
  context: EngineContext,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<readonly Buffer[]> {
  try {
    yield* readPartition(context, collection, partition);
  } catch (error) {
    throw blameFilter(collection, error);
  }
}

/** The range's documents in batches, through failures of cursors and servers. */
async function* readPartition(
  context: EngineContext,
  collection: TrackedCollection,
  partition: PartitionRecord,
): AsyncGenerator<readonly Buffer[]> {
  let after = partition.lastId ?? partition.low;
  const high = keyFromBytes(bufferOf(partition.high));
  while (true) {
    const [cursor, first] = await onSource(context, collection, (name) =>
      RawCursor.open(context.source, collection.sourceDatabase, {
        find: name,
        filter: collection.selected(rangeFilter(after === null ? undefined : keyFromBytes(bufferOf(after)), high)),
        sort: { _id: 1 },
        ...(collection.isClustered ? {} : { hint: { _id: 1 } }),
        batchSize: batchSize(collection),
        ...pinTo(context, collection),
        readConcern: { level: 'majority', afterClusterTime: collection.readAfter },
      }),
    );
    await using _ = cursor;
    try {
      for (let batch: RawBatch = first; ; ) {
        // The next batch is read while this one is written.
        const next = cursor.open ? cursor.next({ batchSize: batchSize(collection) }) : undefined;
        next?.catch(() => undefined); // Seen at the await.
        const last = batch.documents.at(-1);
        if (last !== undefined) {
          yield batch.documents;
          after = new Binary(keyBytes(keyOf(last)));
        }
        if (next === undefined) return;
        batch = await next;
      }
    } catch (error) {
      // A dead cursor costs its unread batches only; whether it was a rename or a drop is found out when opening again.
      const kind = classify(error);
      if (kind !== 'transient' && kind !== 'moved') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading goes on with a new cursor');
    }
  }
}

/**
 * A capped collection from its oldest document on. There is no place to go on from: after a failure, or in another run, it is read again,
 * and what is there already keeps its place [35].
 */
export async function* readInOrder(
  context: EngineContext,
  collection: TrackedCollection,
): AsyncGenerator<readonly Buffer[]> {
  while (true) {
    const [cursor, first] = await onSource(context, collection, (name) =>
      RawCursor.open(context.source, collection.sourceDatabase, {
        find: name,
        hint: { $natural: 1 },
        batchSize: batchSize(collection),
        ...pinTo(context, collection),
        readConcern: { level: 'majority', afterClusterTime: collection.readAfter },
      }),
    );
    await using _ = cursor;
    try {
      if (first.documents.length > 0) yield first.documents;
      while (cursor.open) yield (await cursor.next({ batchSize: batchSize(collection) })).documents;
      return;
    } catch (error) {
      // `history-lost` is CappedPositionLost here: the collection went round faster than it was read.
      if (classify(error) === 'fatal') throw error;
      context.logger.debug({ namespace: collection.namespace, error }, 'Reading begins again with a new cursor');
    }
  }
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

/** What of a partition is acknowledged, saved now and then. */
class PartitionProgress {
  readonly #context: EngineContext;
  readonly #partition: PartitionRecord;
  #lastId: Binary | null;
  #documents: number;
  #bytes: number;
  #savedAtMs: number;

  constructor(context: EngineContext, partition: PartitionRecord) {
    this.#context = context;
    this.#partition = partition;
    this.#lastId = partition.lastId;
    this.#documents = partition.documents;
    this.#bytes = partition.bytes;
    this.#savedAtMs = context.clock.elapsed();
  }

  async advance(last: DocumentKey, documents: number, bytes: number): Promise<void> {
    this.#lastId = new Binary(keyBytes(last));
    this.#documents += documents;
    this.#bytes += bytes;
    this.#context.counters.documentsCopied += documents;
    this.#context.counters.bytesCopied += bytes;
    if (this.#context.clock.elapsed() - this.#savedAtMs < SAVE_PROGRESS_EVERY_MS) return;
    this.#savedAtMs = this.#context.clock.elapsed();
    await this.save();
    await reach('engine.copy.progress-saved');
  }

  async finish(): Promise<void> {
    await this.save(true);
  }

  async save(done = false): Promise<void> {
    const fields = { lastId: this.#lastId, documents: this.#documents, bytes: this.#bytes, done };
    await this.#context.retrier.run('the destination', () =>
      this.#context.checkpoint.savePartition(this.#partition._id, fields),
    );
  }
}
