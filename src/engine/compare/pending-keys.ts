import { type DocumentKey, detachedKey } from '../bson/document-key.ts';

/** The most keys of a read, and the size of its documents, estimated by the average of their collection, with the keys. */
export const READ_KEYS = 1_000;
const READ_BYTES = 4 * 1024 * 1024;

/** A key takes some 500 bytes besides its own. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Above this share of a limit, a collection is compared anew instead of its keys. */
const CROWDED = 1.5;

/** A key that has to be read again on both sides. */
export class PendingKey<Collection> {
  readonly collection: Collection;
  readonly key: DocumentKey;
  /** `clock.elapsed()` of the next read. */
  dueAtMs = 0;
  /** The batch of a read that has it, or another holder. No read takes it meanwhile. */
  heldBy: object | undefined;

  constructor(collection: Collection, key: DocumentKey) {
    this.collection = collection;
    // A key is a view into a server's reply of up to 16 MiB, which must not stay in memory for it.
    // rule: detach-waiting-keys
    this.key = detachedKey(key);
  }

  get bytes(): number {
    return this.key.value.bytes.length + this.key.identity.length;
  }

  /** Lets reads take the key again from a time on, by `clock.elapsed()`. */
  release(dueAtMs: number): void {
    this.dueAtMs = dueAtMs;
    this.heldBy = undefined;
  }
}

/**
 * Keys that have to be read again, with a bound. Invariant: a key has one entry, and a result for a removed one counts
 * for nothing. Only collections with keys take memory: there may be thousands.
 */
export class PendingKeys<Collection, Entry extends PendingKey<Collection>> {
  readonly #mostKeys: number;
  /** By identity of the key. */
  readonly #byCollection = new Map<Collection, Map<string, Entry>>();
  #size = 0;
  #bytes = 0;

  /** @param mostKeys  above this number there are too many, and above one and a half times as many they are crowded */
  constructor(mostKeys: number) {
    this.#mostKeys = mostKeys;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether there are too many. */
  get isFull(): boolean {
    return this.#isAbove(1);
  }

  /** The collection with the most keys when they are too many to wait for; undefined otherwise. */
  get crowded(): Collection | undefined {
    if (!this.#isAbove(CROWDED)) return undefined;
    const [largest] = [...this.#byCollection].sort(([, a], [, b]) => b.size - a.size);
    return largest?.[0];
  }

  /** Collections with keys. */
  get collections(): readonly Collection[] {
    return [...this.#byCollection.keys()];
  }

  some(matches: (entry: Entry) => boolean): boolean {
    for (const entry of this.all()) if (matches(entry)) return true;
    return false;
  }

  *all(): Generator<Entry> {
    for (const entries of this.#byCollection.values()) yield* entries.values();
  }

  of(collection: Collection): Iterable<Entry> {
    return this.#byCollection.get(collection)?.values() ?? [];
  }

  get(collection: Collection, key: DocumentKey): Entry | undefined {
    return this.#byCollection.get(collection)?.get(key.identity);
  }

  /** Whether the entry has been neither settled nor replaced. */
  isCurrent(entry: Entry): boolean {
    return this.get(entry.collection, entry.key) === entry;
  }

  /** Removes an entry. @returns false when it was removed before */
  settle(entry: Entry): boolean {
    // rule: ignore-stale-result
    if (!this.isCurrent(entry)) return false;
    const entries = this.#byCollection.get(entry.collection);
    entries?.delete(entry.key.identity);
    if (entries?.size === 0) this.#byCollection.delete(entry.collection);
    this.#size -= 1;
    this.#bytes -= entry.bytes;
    return true;
  }

  /** Removes all keys of a collection. */
  forget(collection: Collection): void {
    for (const entry of [...this.of(collection)]) this.settle(entry);
  }

  /**
   * Returns the first keys of a collection that may be read at a time, as many as one read takes.
   * @param may  whether nothing but its time keeps a key waiting
   */
  due(collection: Collection, nowMs: number, averageBytes: number, may: (entry: Entry) => boolean): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.of(collection)) {
      if (entry.dueAtMs > nowMs || entry.heldBy !== undefined || !may(entry)) continue;
      bytes += entry.bytes + averageBytes;
      if (found.length === READ_KEYS || (found.length > 0 && bytes > READ_BYTES)) break;
      found.push(entry);
    }
    return found;
  }

  /** Adds an entry in place of the one that its key has. */
  protected put(entry: Entry): void {
    const earlier = this.get(entry.collection, entry.key);
    if (earlier !== undefined) this.settle(earlier);
    const entries = this.#byCollection.get(entry.collection) ?? new Map<string, Entry>();
    this.#byCollection.set(entry.collection, entries.set(entry.key.identity, entry));
    this.#size += 1;
    this.#bytes += entry.bytes;
  }

  #isAbove(share: number): boolean {
    // rule: bound-key-bytes
    return this.#size > this.#mostKeys * share || this.#bytes > MOST_BYTES * share;
  }
}
