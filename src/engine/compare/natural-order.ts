import { DocumentBatch } from '../bson/document-batch.ts';
import type { RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';

/** The documents of one side of a collection in natural order. Holds one reply at a time, however large the collection is. */
export class NaturalOrder implements AsyncDisposable {
  readonly #open: NaturalOrderSource['open'];
  readonly #batchSize: number;
  #cursor: RawCursor | undefined;
  #documents = DocumentBatch.EMPTY;
  #place = 0;
  #isEnded = false;

  constructor({ open, batchSize }: NaturalOrderSource) {
    this.#open = open;
    this.#batchSize = batchSize;
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
    if (this.#cursor === undefined) {
      const [cursor, batch] = await this.#open({ hint: { $natural: 1 }, batchSize: this.#batchSize });
      this.#cursor = cursor;
      this.#documents = batch.documents;
    } else {
      this.#documents = (await this.#cursor.next({ batchSize: this.#batchSize })).documents;
    }
    this.#place = 0;
    this.#isEnded = !this.#cursor.open;
  }
}

/** Where the documents come from, and how many at a time. */
interface NaturalOrderSource {
  /** Opens the cursor: a `find` with these fields. */
  readonly open: (fields: object) => Promise<[RawCursor, RawBatch]>;
  readonly batchSize: number;
}
