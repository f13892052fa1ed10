import type { Timestamp } from 'mongodb';
import { type DocumentKey, detachedKey } from '../bson/document-key.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';

/** A query holds at most 16 MiB, and an `_id` may be nearly as large. */
const MOST_KEY_BYTES = 4 * 1024 * 1024;

/** A key that must be compared after its last change. */
export interface OpenKey {
  readonly collection: TrackedCollection;
  readonly key: DocumentKey;
  /** The stream batch with its last change; Infinity when it doesn't hold back the checkpoint. */
  readonly sequence: number;
  /** Whether somebody else wrote it on the destination. */
  readonly foreign: boolean;
  /** Comparisons in a row that differed. */
  differed: number;
  /** The stream must have passed this time before the next comparison: then a change before it would be known. */
  notBefore: Timestamp | undefined;
  /** `clock.elapsed()` of the next comparison. */
  notBeforeMs: number;
  /** Hash of the source's document in the last comparison; undefined when the source had none. */
  sourceHash: string | undefined;
  /** Set while the key waits to be applied again: the lanes then report it. */
  repairing: boolean;
  /** Set while it is compared. */
  comparing: boolean;
}

/**
 * The keys that must be compared after their last change, in order of that change. Invariant: a key has one entry. A
 * new change replaces the entry, so a result for the replaced one counts for nothing. Only collections with keys take
 * memory: a migration may have thousands.
 */
export class RecheckQueue {
  readonly #open = new Map<TrackedCollection, Map<string, OpenKey>>();
  /** How many keys wait for each stream batch. */
  readonly #bySequence = new Map<number, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns the oldest stream batch with a key that isn't compared yet; Infinity when there is none. */
  get oldestSequence(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const sequence of this.#bySequence.keys()) if (sequence < oldest) oldest = sequence;
    return oldest;
  }

  /** Keys that no change of the stream brought here: those of the full comparison, of others' writes, and of repairs. */
  get unbound(): number {
    return this.#bySequence.get(Number.POSITIVE_INFINITY) ?? 0;
  }

  /** Whether a full comparison of the collection has found keys that aren't settled. */
  hasUnbound(collection: TrackedCollection): boolean {
    for (const { sequence } of this.#of(collection)) if (sequence === Number.POSITIVE_INFINITY) return true;
    return false;
  }

  get(collection: TrackedCollection, key: DocumentKey): OpenKey | undefined {
    return this.#open.get(collection)?.get(key.identity);
  }

  /** Adds a key, or replaces its entry. */
  add(collection: TrackedCollection, key: DocumentKey, sequence: number, foreign = false): void {
    const earlier = this.get(collection, key);
    if (earlier !== undefined) this.settle(earlier);
    this.#entries(collection).set(key.identity, {
      collection,
      // rule: detach-waiting-keys
      key: detachedKey(key),
      sequence,
      foreign: foreign || (earlier?.foreign ?? false),
      differed: 0,
      notBefore: undefined,
      notBeforeMs: 0,
      sourceHash: undefined,
      repairing: false,
      comparing: false,
    });
    this.#size += 1;
    this.#bySequence.set(sequence, (this.#bySequence.get(sequence) ?? 0) + 1);
  }

  /** Whether the key has not changed since. */
  isCurrent(open: OpenKey): boolean {
    return this.get(open.collection, open.key) === open;
  }

  /** Removes an entry, unless the key has changed since. */
  settle(open: OpenKey): void {
    // rule: ignore-stale-result
    if (!this.isCurrent(open)) return;
    const entries = this.#entries(open.collection);
    entries.delete(open.key.identity);
    if (entries.size === 0) this.#open.delete(open.collection);
    this.#size -= 1;
    const left = (this.#bySequence.get(open.sequence) ?? 0) - 1;
    if (left > 0) this.#bySequence.set(open.sequence, left);
    else this.#bySequence.delete(open.sequence);
  }

  /** Removes all entries of a collection. */
  forget(collection: TrackedCollection): void {
    for (const open of [...this.#of(collection)]) this.settle(open);
  }

  some(matches: (open: OpenKey) => boolean): boolean {
    for (const entries of this.#open.values()) for (const open of entries.values()) if (matches(open)) return true;
    return false;
  }

  /** Collections with entries. */
  get collections(): readonly TrackedCollection[] {
    return [...this.#open.keys()];
  }

  /** The collection with the most entries; undefined when there are none. */
  get largest(): TrackedCollection | undefined {
    const [first] = [...this.#open].sort(([, a], [, b]) => b.size - a.size);
    return first?.[0];
  }

  /** Returns the first entries of a collection that may be compared now, as many as one query takes. */
  due(collection: TrackedCollection, may: (open: OpenKey) => boolean, limit: number): OpenKey[] {
    const found: OpenKey[] = [];
    let bytes = 0;
    for (const open of this.#of(collection)) {
      if (found.length >= limit) break;
      if (open.repairing || open.comparing || !may(open)) continue;
      bytes += open.key.value.bytes.length;
      if (found.length > 0 && bytes > MOST_KEY_BYTES) break;
      found.push(open);
    }
    return found;
  }

  #of(collection: TrackedCollection): Iterable<OpenKey> {
    return this.#open.get(collection)?.values() ?? [];
  }

  #entries(collection: TrackedCollection): Map<string, OpenKey> {
    let entries = this.#open.get(collection);
    if (entries === undefined) {
      entries = new Map();
      this.#open.set(collection, entries);
    }
    return entries;
  }
}
