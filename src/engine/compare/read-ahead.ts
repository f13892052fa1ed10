import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import type { RawBatch } from '../mongodb/raw-cursor.ts';
import type { DocumentReader } from './document-reader.ts';
import type { KeyRange } from './key-range.ts';

/** The documents after a key, requested before the caller asks for them. */
interface Ahead {
  readonly after: DocumentKey;
  readonly high: DocumentKey | undefined;
  readonly batch: Promise<RawBatch>;
}

/**
 * Reads a range batch by batch, and requests the next batch as soon as one arrives: the server reads while the caller
 * compares. Holds two batches. A batch that was requested ahead may have another limit than the one asked for.
 */
export class ReadAhead implements DocumentReader, AsyncDisposable {
  readonly #reader: DocumentReader;
  #ahead: Ahead | undefined;

  constructor(reader: DocumentReader) {
    this.#reader = reader;
  }

  async read(range: KeyRange, limit: number): Promise<RawBatch> {
    const ahead = this.#ahead;
    const isAhead = ahead !== undefined && isSameKey(ahead.after, range.after) && isSameKey(ahead.high, range.high);
    // Two requests at once would hold three batches.
    if (!isAhead) await this[Symbol.asyncDispose]();
    this.#ahead = undefined;
    const batch = isAhead ? await ahead.batch : await this.#reader.read(range, limit);
    const last = batch.documents.at(-1);
    if (last !== undefined) this.#request({ after: keyOf(last), high: range.high }, limit);
    return batch;
  }

  /** Waits for the end of a request that is no longer needed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ahead?.batch.catch(() => undefined);
    this.#ahead = undefined;
  }

  #request({ after, high }: KeyRange & { readonly after: DocumentKey }, limit: number): void {
    const batch = this.#reader.read({ after, high }, limit);
    batch.catch(() => undefined); // The caller that asks for the batch sees the failure.
    this.#ahead = { after, high, batch };
  }
}

function isSameKey(a: DocumentKey | undefined, b: DocumentKey | undefined): boolean {
  return a?.identity === b?.identity;
}
