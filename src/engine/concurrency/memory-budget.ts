import { BufferCollector } from './collect-buffers.ts';

/** What a server puts into one reply: so much is read at once whatever was asked for, as soon as documents are large. */
export const REPLY_BYTES = 16 * 1024 * 1024;

const DEFAULT_BYTES = 512_000_000;

/** Below that a document of 16 MiB would not have room in each of the places that may have one at the same time. */
export const LEAST_MEMORY_MEGABYTES = 384;

/** The program itself, and what it knows of collections and keys. */
const PROGRAM_BYTES = 192_000_000;

/** What the bytes of a document take in all: what was used is not collected at once, and the driver makes copies of a message. */
const EXPENSE = 2.5;

/**
 * The memory that a migration may take for documents, in shares: what one holds, another never waits for, so neither the copy nor the
 * changes starve, and nothing can lock.
 */
export class MemoryBudget {
  /** Documents of the copy, from before they are read until the destination has them. */
  readonly copyReads: ByteShare;
  /** Of those, the ones on their way to the destination. */
  readonly copyWrites: ByteShare;
  /** Replies of the change stream of which something is not on the destination yet: beyond it the stream is not read on. */
  readonly streamBytes: number;
  /** Documents fetched because their keys changed. */
  readonly fetches: ByteShare;
  /** Changes on their way to the destination. */
  readonly changeWrites: ByteShare;

  /** @param bytes  what the process may take in all; 512 MB by default */
  constructor(bytes = DEFAULT_BYTES) {
    const given = (bytes - PROGRAM_BYTES) / EXPENSE;
    const collector = new BufferCollector(given);
    const share = (part: number) => new ByteShare(part * given, (taken) => collector.used(taken));
    this.copyReads = share(1 / 3);
    this.copyWrites = share(1 / 6);
    this.streamBytes = given / 6;
    this.fetches = share(1 / 6);
    this.changeWrites = share(1 / 6);
  }
}

/** A number of bytes that may be held at a time, given out in the order in which they are asked for. */
export class ByteShare {
  readonly #capacity: number;
  readonly #waiting: { readonly bytes: number; readonly admit: () => void }[] = [];
  readonly #onTaken: (bytes: number) => void;
  #held = 0;

  constructor(capacity: number, onTaken: (bytes: number) => void = () => undefined) {
    this.#capacity = capacity;
    this.#onTaken = onTaken;
  }

  /**
   * Resolves when so many more may be held. More than there is at all are admitted once nothing else is held.
   * @throws the signal's reason when it aborts first
   */
  async take(bytes: number, signal: AbortSignal): Promise<HeldBytes> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { bytes, admit: resolve };
    const onAbort = () => {
      const place = this.#waiting.indexOf(waiter);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      reject(signal.reason);
      this.#admit();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.push(waiter);
    this.#admit();
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return new HeldBytes(bytes, (more) => {
      this.#held += more;
      this.#admit();
    });
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#held > 0 && this.#held + next.bytes > this.#capacity) return;
      this.#waiting.shift();
      this.#held += next.bytes;
      this.#onTaken(next.bytes);
      next.admit();
    }
  }
}

/** Bytes taken of a share; disposing gives them back. */
export class HeldBytes implements Disposable {
  readonly #change: (more: number) => void;
  #bytes: number;

  constructor(bytes: number, change: (more: number) => void) {
    this.#bytes = bytes;
    this.#change = change;
  }

  /** Says how many they are, once that is known. It may be more than was taken: then others wait for longer. */
  settle(bytes: number): void {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    this.#change(more);
  }

  [Symbol.dispose](): void {
    this.settle(0);
  }
}
