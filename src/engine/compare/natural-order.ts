import { DocumentBatch } from '../bson/document-batch.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';

/** The documents of one side of a collection in natural order. Holds one reply at a time, however large the collection is. */
export class NaturalOrder implements AsyncDisposable {
  readonly #open: NaturalOrderSource['open'];
  readonly #batchSize: number;
  readonly #newestFirst: boolean;
  #cursor: RawCursor | undefined;
  #documents = DocumentBatch.EMPTY;
  #place = 0;
  #isEnded = false;

  constructor({ open, batchSize, newestFirst = false }: NaturalOrderSource) {
    this.#open = open;
    this.#batchSize = batchSize;
    this.#newestFirst = newestFirst;
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
      if (!this.#newestFirst || classify(error) !== 'history-lost') throw error;
      this.#documents = DocumentBatch.EMPTY;
      this.#isEnded = true;
    }
  }

  async #read(): Promise<DocumentBatch> {
    const batchSize = this.#batchSize;
    if (this.#cursor !== undefined) return (await this.#cursor.next({ batchSize })).documents;
    const [cursor, { documents }] = await this.#open({ hint: { $natural: this.#newestFirst ? -1 : 1 }, batchSize });
    this.#cursor = cursor;
    return documents;
  }
}

/** Where the documents come from, and how many at a time. */
interface NaturalOrderSource {
  /** Opens the cursor: a `find` with these fields. */
  readonly open: (fields: object) => Promise<[RawCursor, RawBatch]>;
  readonly batchSize: number;
  /** Reads from the newest document to the oldest. Ends where a capped collection has discarded the rest meanwhile. */
  readonly newestFirst?: boolean;
}
