import { Binary, type Timestamp } from 'mongodb';
import { type DocumentKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Records, Telling } from '../records/context.ts';
import type { SpoolRecord } from '../records/records.ts';
import { type KnownState, latestInOrder, leftItsPlace, takesLastPlace, UNKNOWN } from './dirty-key.ts';

const FLUSH_AT_KEYS = 2_000;
/** Keys per batch, unless the keys are long. */
export const READ_KEYS = 2_000;

/** A spooled key. Its state has only what matters where the order counts. */
export interface SpooledKey {
  readonly key: DocumentKey;
  readonly state: KnownState;
}

/**
 * Keys that changed while their collection was being copied, stored on the destination until the copy has ended. This
 * lets the engine read the stream from the first minute, so the source's oplog needn't span the copy
 * (docs/reference/pitfalls.md#pitfall-3). Nothing is applied to a range that is being copied
 * (docs/reference/pitfalls.md#pitfall-6).
 */
export class Spool {
  readonly #context: Records & Telling;
  #buffer = new Map<string, SpoolRecord>();
  /**
   * The oldest stream batch with a key of the buffer. It isn't always the first key's, because some hold nothing back.
   */
  #oldest = Number.POSITIVE_INFINITY;
  #rankTime: Timestamp | undefined;
  #rankInTime = 0;
  #held: Promise<unknown> | undefined;
  #flushing: { readonly oldest: number; readonly done: Promise<void> } | undefined;

  constructor(context: Records & Telling) {
    this.#context = context;
  }

  /**
   * Notes that the key changed. Durable only after `flush`.
   * @param sequence  the stream batch that contained the change; Infinity holds nothing back
   */
  add(collection: TrackedCollection, key: DocumentKey, sequence: number, time: Timestamp, state = UNKNOWN): void {
    const identity = collection.id + key.identity;
    // rule: oldest-spooled-key
    this.#oldest = Math.min(this.#oldest, sequence);
    const earlier = this.#buffer.get(identity);
    // rule: capped-place-in-spool
    if (earlier !== undefined && !(collection.isCapped && takesLastPlace(state))) return;
    this.#buffer.delete(identity);
    const { kind } = earlier === undefined ? state : latestInOrder({ kind: earlier.left ?? 'unknown' }, state);
    const m = this.#context.checkpoint.migrationId;
    const _id = { m, u: collection.uuid, r: this.#rank(collection, time), k: new Binary(keyBytes(key)) };
    this.#buffer.set(identity, collection.isCapped && leftItsPlace(kind) ? { _id, left: kind } : { _id });
  }

  /**
   * Where the order counts, keys are read back in the order of their changes; keys of one time keep the stream's order.
   */
  #rank(collection: TrackedCollection, time: Timestamp): Binary {
    if (!collection.isCapped) return new Binary();
    this.#rankInTime = this.#rankTime?.equals(time) ? this.#rankInTime + 1 : 0;
    this.#rankTime = time;
    // Fixed length, because servers order binary values by length first.
    const rank = Buffer.alloc(12);
    rank.writeBigUInt64BE(BigInt(time.toString()));
    rank.writeUInt32BE(this.#rankInTime, 8);
    return new Binary(rank);
  }

  get isFull(): boolean {
    return this.#buffer.size >= FLUSH_AT_KEYS;
  }

  /** The oldest stream batch with a key that isn't durable yet; Infinity when all are. */
  get oldestSequence(): number {
    return Math.min(this.#oldest, this.#flushing?.oldest ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Delays all flushes until `recorded` resolves: keys in memory hold the checkpoint back, keys on the destination
   * don't.
   */
  holdUntil(recorded: Promise<void>): void {
    const held = Promise.all([this.#held, recorded]);
    this.#held = held;
    const end = () => {
      if (this.#held === held) this.#held = undefined;
    };
    held.then(end, () => undefined); // The caller of `flush` sees a failure.
  }

  /** Makes everything added before this call durable. */
  async flush(): Promise<void> {
    // rule: spool-durable-before-quarantine
    while (this.#held !== undefined || this.#flushing !== undefined) await (this.#held ?? this.#flushing?.done);
    if (this.#buffer.size === 0) return;
    const batch = [...this.#buffer.values()];
    const oldest = this.#oldest;
    this.#buffer = new Map();
    this.#oldest = Number.POSITIVE_INFINITY;
    const done = this.#context.checkpoint.addToSpool(batch);
    this.#flushing = { oldest, done };
    await done; // A failure ends the run, so the batch needn't go back.
    this.#flushing = undefined;
    this.#context.changes.notify();
  }

  /** Yields the collection's spooled keys, in batches. Flush first. */
  async *keys(collection: TrackedCollection): AsyncGenerator<SpooledKey[]> {
    const { checkpoint } = this.#context;
    let after: SpoolRecord['_id'] | undefined;
    while (true) {
      const records = await checkpoint.readSpool(collection.uuid, after, READ_KEYS);
      const last = records.at(-1);
      if (last === undefined) return;
      yield records.map(({ _id, left }) => ({
        key: keyFromBytes(bufferOf(_id.k)),
        state: { kind: left ?? 'unknown' },
      }));
      after = last._id;
    }
  }
}
