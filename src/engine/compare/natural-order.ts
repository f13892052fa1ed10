import { DocumentBatch } from '../bson/document-batch.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { RawCursor } from '../mongodb/raw-cursor.ts';
import { type CollectionSide, ONLY_KEYS } from './collection-side.ts';

/** The direction of a read in natural order, and the size of its batches. */
interface NaturalOrderOptions {
  readonly batchSize: number;
  /** Reads from the newest document to the oldest. Ends where a capped collection has discarded the rest meanwhile. */
  readonly newestFirst?: boolean;
  readonly onlyKeys?: boolean;
}

/** The documents of one side of a collection in natural order. Holds one reply at a time, however large the collection is. */
export class NaturalOrder implements AsyncDisposable {
  readonly #side: CollectionSide;
  readonly #options: NaturalOrderOptions;
  #cursor: RawCursor | undefined;
  #documents = DocumentBatch.EMPTY;
  #place = 0;
  #isEnded = false;

  constructor(side: CollectionSide, options: NaturalOrderOptions) {
    this.#side = side;
    this.#options = options;
  }

  /** Returns the next document, and leaves it there; undefined at the end. */
  async peek(): Promise<Buffer | undefined> {
    while (this.#place >= this.#documents.length) {
      if (this.#isEnded) return undefined;
      await this.#more();
    }
    return this.#documents.at(this.#place);
  }

  /** Returns the next documents of the reply that `peek` has read, and leaves them there. */
  ahead(limit: number): DocumentBatch {
    return this.#documents.slice(this.#place, Math.min(this.#place + limit, this.#documents.length));
  }

  /** Passes documents of the reply. */
  pass(count: number): void {
    this.#place += count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cursor?.[Symbol.asyncDispose]();
  }

  async #more(): Promise<void> {
    this.#place = 0;
    try {
      this.#documents = await this.#read();
      this.#isEnded = !this.#cursor?.open;
    } catch (error) {
      // Here `history-lost` is CappedPositionLost.
      // rule: discarded-while-read
      if (!this.#options.newestFirst || classify(error) !== 'history-lost') throw error;
      this.#documents = DocumentBatch.EMPTY;
      this.#isEnded = true;
    }
  }

  async #read(): Promise<DocumentBatch> {
    const { batchSize, newestFirst, onlyKeys } = this.#options;
    if (this.#cursor !== undefined) return (await this.#cursor.next({ batchSize })).documents;
    const hint = { $natural: newestFirst ? -1 : 1 };
    const [cursor, { documents }] = await this.#side.find({
      hint,
      batchSize,
      ...(onlyKeys && { projection: ONLY_KEYS }),
    });
    this.#cursor = cursor;
    return documents;
  }
}

/**
 * Returns the keys of a side's oldest (1) or newest (-1) documents in natural order. The caller retries a lost cursor, which only
 * keys that don't fit into one reply can have.
 * @param limit  the most keys to return
 */
export async function keysInOrder(side: CollectionSide, order: 1 | -1, limit: number): Promise<readonly DocumentKey[]> {
  const [cursor, { documents }] = await side.find({
    hint: { $natural: order },
    limit,
    batchSize: limit,
    projection: ONLY_KEYS,
  });
  await using _ = cursor;
  const keys = Array.from(documents, keyOf);
  while (cursor.open) keys.push(...Array.from((await cursor.next()).documents, keyOf));
  return keys;
}
