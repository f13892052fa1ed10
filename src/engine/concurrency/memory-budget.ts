import { BufferCollector } from './collect-buffers.ts';

/** The size of a server's reply. With large documents a read takes this much, whatever size it asked for. */
export const REPLY_BYTES = 16 * 1024 * 1024;

export const DEFAULT_MEMORY_MEGABYTES = 512;
const DEFAULT_BYTES = DEFAULT_MEMORY_MEGABYTES * 1e6;

/** Below this budget, a document of 16 MiB has no room in each of the places that can hold one at the same time. */
export const LEAST_MEMORY_MEGABYTES = 384;

/** Memory of the program itself, and of its state of collections and keys. */
const PROGRAM_BYTES = 192_000_000;

/** Bytes of memory per byte of documents: garbage is not collected at once, and the driver copies messages. */
const EXPENSE = 2.5;

/**
 * The memory for documents of one migration, divided into shares. No task waits for memory of another share, so neither
 * the copy nor the changes starve, and there is no deadlock.
 */
export class MemoryBudget {
  /** Documents of the copy, from before the read until the destination has them. */
  readonly copyReads: ByteShare;
  /** The documents among `copyReads` that are being sent to the destination. */
  readonly copyWrites: ByteShare;
  /**
   * Replies of the change stream that are not fully on the destination yet. Above this limit the engine doesn't read
   * the stream.
   */
  readonly streamBytes: number;
  /** Documents that were fetched because their keys changed. */
  readonly fetches: ByteShare;
  /** Changes that are being sent to the destination. */
  readonly changeWrites: ByteShare;

  /** @param bytes  memory limit of the whole process; 512 MB by default */
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

/** A number of bytes that can be held at a time. Requests are served in order of arrival. */
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
   * Resolves when `bytes` more can be held. A request above the whole capacity is admitted once nothing else is held.
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

/** Bytes taken from a share. Disposing returns them. */
export class HeldBytes implements Disposable {
  readonly #change: (more: number) => void;
  #bytes: number;

  constructor(bytes: number, change: (more: number) => void) {
    this.#bytes = bytes;
    this.#change = change;
  }

  /** Sets the actual size, once it is known. It may exceed what was taken: then others wait longer. */
  settle(bytes: number): void {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    this.#change(more);
  }

  [Symbol.dispose](): void {
    this.settle(0);
  }
}
