import { Binary, type Long } from 'mongodb';
import { DocumentBatch } from '../bson/document-batch.ts';
import { keyBytes, keyOf } from '../bson/document-key.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { HeldBytes } from '../concurrency/memory-budget.ts';
import type { RawBatch } from '../mongodb/raw-cursor.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import { absentFrom, insertDocuments } from './insert-documents.ts';

/** Documents of the copy in memory. Disposed once the destination has them, or they are no longer needed. */
export class HeldBatch implements Disposable {
  readonly #held: HeldBytes;
  /** Empty once disposed, because generators and loops keep the batch itself longer. */
  documents: DocumentBatch;
  readonly bytes: number;
  /** A copy of the last document's key; null for an empty batch. */
  readonly lastId: Binary | null;
  /** The record id of the last record that the batch covers, in a scan in natural order. */
  readonly recordId: Long | null | undefined;

  constructor(documents: DocumentBatch, recordId: RawBatch['recordId'], held: HeldBytes) {
    this.documents = documents;
    this.bytes = documents.bytes.length;
    this.recordId = recordId;
    this.#held = held;
    const last = documents.at(-1);
    this.lastId = last === undefined ? null : new Binary(keyBytes(keyOf(last)));
  }

  [Symbol.dispose](): void {
    this.documents.free();
    this.documents = DocumentBatch.EMPTY;
    this.#held[Symbol.dispose]();
  }
}

/** A read that was begun. It may be awaited later, or never. */
export interface BegunRead {
  /** Resolves when there is room for its reply. */
  readonly admitted: Promise<unknown>;
  readonly batch: Promise<HeldBatch>;
}

/**
 * Begins to read a batch of the collection, which waits until there is room for it.
 * @param expectedBytes  the room to wait for
 */
export function beginRead(
  { memory, signal }: Pace,
  collection: TrackedCollection,
  expectedBytes: number,
  read: () => Promise<RawBatch>,
): BegunRead {
  const admitted = memory.copyReads.take(expectedBytes, signal);
  const batch = admitted.then(async (held) => {
    try {
      const reply = await read();
      const documents = reply.documents.copy();
      held.settle(documents.bytes.length);
      collection.saw(documents);
      return new HeldBatch(documents, reply.recordId, held);
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  });
  batch.catch(() => undefined); // Handled where it is awaited.
  return { admitted, batch };
}

/** Awaits a batch, and measures what it waits for. */
export async function finishRead({ waitTimes }: Pace, { admitted, batch }: BegunRead): Promise<HeldBatch> {
  await waitTimes.during('memory', admitted);
  return await waitTimes.during('source', batch);
}

/**
 * Inserts a batch as soon as there is room to send it. The batch stays held.
 * @param mayBeThere  whether the destination may have many of them, which would be slow to refuse one by one
 */
export async function insertHeld(
  context: Clusters & Records & Pace,
  collection: TrackedCollection,
  batch: HeldBatch,
  mayBeThere = false,
): Promise<void> {
  using _ = await context.memory.copyWrites.take(batch.bytes, context.signal);
  const documents = mayBeThere ? await absentFrom(context, collection, batch.documents) : batch.documents;
  // rule: memory-until-inserted
  await insertDocuments(context, collection, documents);
}
