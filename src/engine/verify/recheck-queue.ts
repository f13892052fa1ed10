import type { Timestamp } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { PendingKey, PendingKeys } from '../compare/pending-keys.ts';

/** Above this, the engine reads the stream only when no key can be compared before it continues. */
const MOST_KEYS = 50_000;

/** A key that must be compared after its last change. */
export class OpenKey extends PendingKey<TrackedCollection> {
  /** The stream batch with its last change; Infinity when it doesn't hold back the checkpoint. */
  readonly sequence: number;
  /** Whether another client wrote it on the destination. */
  readonly external: boolean;
  /** Comparisons in a row that differed. */
  differed = 0;
  /** The stream must have passed this time before the next comparison: then a change before it would be known. */
  notBefore: Timestamp | undefined;
  /** Hash of the source's document in the last comparison; undefined when the source had none. */
  sourceHash: string | undefined;

  constructor(collection: TrackedCollection, key: DocumentKey, sequence: number, external: boolean) {
    super(collection, key);
    this.sequence = sequence;
    this.external = external;
  }
}

/** The keys that must be compared after their last change. A new change replaces the entry of its key. */
export class RecheckQueue extends PendingKeys<TrackedCollection, OpenKey> {
  /** How many keys wait for each stream batch. */
  readonly #bySequence = new Map<number, number>();

  constructor() {
    super(MOST_KEYS);
  }

  /** Returns the oldest stream batch with a key that isn't compared yet; Infinity when there is none. */
  get oldestSequence(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const sequence of this.#bySequence.keys()) if (sequence < oldest) oldest = sequence;
    return oldest;
  }

  /**
   * Keys that no change of the stream brought here: those of the full comparison, of writes of other clients, and of
   * repairs. The checkpoint doesn't wait for them. They must be settled before a cutover.
   */
  get unbound(): number {
    return this.#bySequence.get(Number.POSITIVE_INFINITY) ?? 0;
  }

  /** Whether a full comparison of the collection has found keys that aren't settled. */
  hasUnbound(collection: TrackedCollection): boolean {
    for (const { sequence } of this.of(collection)) if (sequence === Number.POSITIVE_INFINITY) return true;
    return false;
  }

  /** Adds a key, or replaces its entry. */
  add(collection: TrackedCollection, key: DocumentKey, sequence: number, external = false): void {
    const wasForeign = this.get(collection, key)?.external ?? false;
    this.put(new OpenKey(collection, key, sequence, external || wasForeign));
    this.#bySequence.set(sequence, (this.#bySequence.get(sequence) ?? 0) + 1);
  }

  override settle(open: OpenKey): boolean {
    if (!super.settle(open)) return false;
    const left = (this.#bySequence.get(open.sequence) ?? 0) - 1;
    if (left > 0) this.#bySequence.set(open.sequence, left);
    else this.#bySequence.delete(open.sequence);
    return true;
  }
}
