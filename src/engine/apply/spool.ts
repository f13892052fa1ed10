import { Binary, type Timestamp } from 'mongodb';
import { type DocumentKey, keyBytes, keyFromBytes } from '../bson/document-key.ts';
import { bufferOf } from '../bson/stored-bytes.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { CheckpointStore, SpoolRecord } from '../records/checkpoint-store.ts';
import { type KnownState, latestInOrder, leftItsPlace, takesLastPlace, UNKNOWN } from './dirty-key.ts';

/** The parts of a run that are used here. */
export interface SpoolParts {
  readonly checkpoint: CheckpointStore;
  readonly retrier: Retrier;
}

const FLUSH_AT_KEYS = 2_000;
/** Keys of a batch, unless they are long. */
export const READ_KEYS = 2_000;

/** A key as it was spooled: of the state only that is kept which counts where the order does. */
export interface SpooledKey {
  readonly key: DocumentKey;
  readonly state: KnownState;
}

/**
 * Keys that changed while their collection was being copied, kept on the destination until the copy has ended. So the stream is
 * consumed from the first minute, the source's oplog need not span the copy [2, 3], and nothing is applied to a range in
 * flight [6, 7].
 */
export class Spool {
  readonly #context: SpoolParts;
  #buffer = new Map<string, SpoolRecord>();
  /** The oldest stream batch that brought a key of the buffer. Not always the first key's: some hold nothing back. */
  #oldest = Number.POSITIVE_INFINITY;
  #rankTime: Timestamp | undefined;
  #rankInTime = 0;
  #held: Promise<unknown> | undefined;
  #flushing: { readonly oldest: number; readonly done: Promise<void> } | undefined;

  constructor(context: SpoolParts) {
    this.#context = context;
  }

  /**
   * Notes that the key changed. Durable only after `flush`.
   * @param sequence  of the stream batch that brought it; Infinity holds nothing back
   */
  add(collection: TrackedCollection, key: DocumentKey, sequence: number, time: Timestamp, state = UNKNOWN): void {
    const identity = collection.id + key.identity;
    this.#oldest = Math.min(this.#oldest, sequence);
    const earlier = this.#buffer.get(identity);
    if (earlier !== undefined && !(collection.isCapped && takesLastPlace(state))) return;
    this.#buffer.delete(identity);
    const { kind } = earlier === undefined ? state : latestInOrder({ kind: earlier.left ?? 'unknown' }, state);
    const m = this.#context.checkpoint.migrationId;
    const _id = { m, u: collection.uuid, r: this.#rank(collection, time), k: new Binary(keyBytes(key)) };
    this.#buffer.set(identity, collection.isCapped && leftItsPlace(kind) ? { _id, left: kind } : { _id });
  }

  /** Where the order counts, keys are read back in the order of their changes: those of one moment keep that of the stream. */
  #rank(collection: TrackedCollection, time: Timestamp): Binary {
    if (!collection.isCapped) return new Binary();
    this.#rankInTime = this.#rankTime?.equals(time) ? this.#rankInTime + 1 : 0;
    this.#rankTime = time;
    // Of one length, since a server orders binary values by their length first.
    const rank = Buffer.alloc(12);
    rank.writeBigUInt64BE(BigInt(time.toString()));
    rank.writeUInt32BE(this.#rankInTime, 8);
    return new Binary(rank);
  }

  get isFull(): boolean {
    return this.#buffer.size >= FLUSH_AT_KEYS;
  }

  /** The oldest stream batch with a key that is not durable yet; Infinity when all are. */
  get oldestSequence(): number {
    return Math.min(this.#oldest, this.#flushing?.oldest ?? Number.POSITIVE_INFINITY);
  }

  /** Makes nothing durable before that: keys in memory hold the checkpoint back, those on the destination do not. */
  holdUntil(recorded: Promise<void>): void {
    const held = Promise.all([this.#held, recorded]);
    this.#held = held;
    const end = () => {
      if (this.#held === held) this.#held = undefined;
    };
    held.then(end, () => undefined); // Whoever flushes sees a failure.
  }

  /** Makes all that was added before this call durable. */
  async flush(): Promise<void> {
    while (this.#held !== undefined) await this.#held;
    while (this.#flushing !== undefined) await this.#flushing.done;
    if (this.#buffer.size === 0) return;
    const batch = [...this.#buffer.values()];
    const oldest = this.#oldest;
    this.#buffer = new Map();
    this.#oldest = Number.POSITIVE_INFINITY;
    const { retrier, checkpoint } = this.#context;
    const done = retrier.run('the destination', () => checkpoint.addToSpool(batch));
    this.#flushing = { oldest, done };
    await done; // A failure ends the run, so the batch need not be put back.
    this.#flushing = undefined;
  }

  /** The collection's spooled keys, in batches. Flush first. */
  async *keys(collection: TrackedCollection): AsyncGenerator<SpooledKey[]> {
    const { checkpoint, retrier } = this.#context;
    let after: SpoolRecord['_id'] | undefined;
    while (true) {
      const records = await retrier.run('the destination', () =>
        checkpoint.readSpool(collection.uuid, after, READ_KEYS),
      );
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
