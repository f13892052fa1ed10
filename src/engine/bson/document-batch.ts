import { BSON_TYPE } from './elements.ts';

/**
 * Documents that lie one after the other in one buffer. A batch of thousands is three objects: a Buffer for each
 * document would cost more processor time than everything else that a copy does with it.
 */
export class DocumentBatch implements Iterable<Buffer> {
  static readonly EMPTY = new DocumentBatch(Buffer.alloc(0), new Uint32Array());

  /** The documents, and nothing else. */
  readonly bytes: Buffer;
  /** The offset of the byte after each document. */
  readonly ends: Uint32Array;

  private constructor(bytes: Buffer, ends: Uint32Array) {
    this.bytes = bytes;
    this.ends = ends;
  }

  /** Copies documents into one batch. */
  static of(documents: readonly Buffer[]): DocumentBatch {
    let end = 0;
    const ends = Uint32Array.from(documents, ({ length }) => (end += length));
    return new DocumentBatch(Buffer.concat(documents, end), ends);
  }

  /**
   * Takes over the bytes of an array of documents: it moves them together, over the headers between them.
   * @throws RangeError when the bytes are no such array
   */
  static fromArray(array: Buffer): DocumentBatch {
    const last = array.length - 1;
    if (array.length < 5 || array.readInt32LE(0) !== array.length || array[last] !== 0) throw notAnArray();
    let ends = new Uint32Array(Math.min(last >> 3, 1_024));
    let count = 0;
    let to = 0;
    for (let offset = 4; offset < last; ) {
      if (array[offset] !== BSON_TYPE.document) throw notAnArray();
      // The name of an element is its index, in digits.
      let start = offset + 1;
      while (array[start] !== 0) if (++start >= last) throw notAnArray();
      // rule: skip-name-end
      start += 1;
      const length = start + 5 > last ? 0 : array.readInt32LE(start);
      offset = start + length;
      // rule: bounds-of-documents
      if (length < 5 || offset > last) throw notAnArray();
      array.copyWithin(to, start, offset);
      to += length;
      if (count === ends.length) ends = grown(ends);
      ends[count++] = to;
    }
    return new DocumentBatch(array.subarray(0, to), ends.subarray(0, count));
  }

  /** The number of documents. */
  get length(): number {
    return this.ends.length;
  }

  /** The size of the largest document in bytes; 0 without documents. */
  get largestBytes(): number {
    let largest = 0;
    let start = 0;
    for (const end of this.ends) {
      if (end - start > largest) largest = end - start;
      start = end;
    }
    return largest;
  }

  /** Returns a document, as a view; `-1` is the last one. */
  at(index: number): Buffer | undefined {
    const place = index < 0 ? this.length + index : index;
    const end = this.ends[place];
    return end === undefined ? undefined : this.bytes.subarray(this.#startOf(place), end);
  }

  /** Returns the documents from `start` on, up to and without `end`, as a view. */
  slice(start: number, end: number): DocumentBatch {
    const from = this.#startOf(start);
    const ends = this.ends.slice(start, end);
    const bytes = this.bytes.subarray(from, ends.at(-1) === undefined ? from : ends.at(-1));
    // rule: offsets-of-cut-batch
    return new DocumentBatch(bytes, from === 0 ? ends : ends.map((one) => one - from));
  }

  /** Whether both batches have the same documents in the same order. */
  equals(other: DocumentBatch): boolean {
    return (
      this.length === other.length &&
      this.bytes.equals(other.bytes) &&
      this.ends.every((end, index) => end === other.ends[index])
    );
  }

  /** Returns a copy in memory of its own, for {@link free}. */
  copy(): DocumentBatch {
    const bytes = Buffer.allocUnsafeSlow(this.bytes.length);
    this.bytes.copy(bytes);
    return new DocumentBatch(bytes, this.ends);
  }

  /**
   * Frees the memory of a copy at once: V8 would collect the whole heap for every 64 MB of buffers. Must hold before:
   * no caller uses the batch or its documents any more, and no socket still sends them.
   */
  free(): void {
    if (this.bytes.length > 0) (this.bytes.buffer as ArrayBuffer).transfer(0);
  }

  *[Symbol.iterator](): Generator<Buffer> {
    let start = 0;
    for (const end of this.ends) {
      yield this.bytes.subarray(start, end);
      start = end;
    }
  }

  #startOf(index: number): number {
    return this.ends[index - 1] ?? 0;
  }
}

function grown(ends: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(16, ends.length * 2));
  larger.set(ends);
  return larger;
}

function notAnArray(): RangeError {
  return new RangeError('The bytes are not an array of documents');
}
