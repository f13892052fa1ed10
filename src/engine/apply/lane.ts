import { failpoint, messageOf, newId, type UserError } from '../../platform/index.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { listIndexesOf } from '../catalog/read-catalog.ts';
import type { RunContext } from '../collections/context.ts';
import type { IndexKeeper } from '../collections/index-keeper.ts';
import { CollectionDropped, CollectionMissing, onDestination, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Slots } from '../concurrency/slots.ts';
import { concernsOneCollection } from '../mongodb/failure-policy.ts';
import { refuseWriteError } from '../mongodb/raw-write.ts';
import { applyKeys } from './apply-keys.ts';
import { coalesce, type DirtyKey, hasKnownDocument, takesLastPlace, UNKNOWN } from './dirty-key.ts';
import { displaceHolders } from './displace-holders.ts';
import type { Displaced } from './displaced.ts';
import { quarantine } from './quarantine.ts';
import type { Spool } from './spool.ts';
import { type RefusedDocument, UniqueConflict } from './unique-conflict.ts';

const BATCH_KEYS = 1_000;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Each collection of a batch takes a round trip to both sides. */
const COLLECTIONS_AT_A_TIME = 4;
/** How long a single key waits for others, so that a few changes per second don't become many tiny batches. */
const LINGER_MS = 20;
/** How often a batch with a refused document is retried. */
const ATTEMPTS = 5;
const BETWEEN_ATTEMPTS_MS = 200;
/** How long an attempt waits for the indexes. A build may take hours, during which the collection is quarantined. */
const INDEXES_WITHIN_MS = 1_000;
/** How often a batch makes room for its values. Each round follows newer states of the source. */
const DISPLACED_ROUNDS = 100;

/** The stream as a lane knows it: it receives the events of the lane. */
export interface LaneEvents {
  /** The destination has acknowledged the current state of these keys. */
  applied(collection: TrackedCollection, dirty: readonly DirtyKey[]): void;
  /** A document that was out of date is deleted: its key has to be applied again. */
  displaced(dirty: DirtyKey): void;
  /** A live collection was quarantined: it must be retried until it is live again. */
  revive(collection: TrackedCollection): void;
  /** Whether a task waits for a barrier, and perhaps users for the end of a write pause. */
  isHurried(): boolean;
}

/** The objects that all lanes share. */
export interface LaneUses {
  readonly indexes: IndexKeeper;
  readonly spool: Spool;
  readonly displaced: Pick<Displaced, 'record' | 'settle'>;
}

interface Waiter {
  /** The number of the last key that must have left the lane. */
  readonly last: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

interface QueuedKey extends DirtyKey {
  /** Increases in the order of the queue. */
  readonly number: number;
}

/** An ordered queue of dirty keys. A key always takes the same lane, so its states are written one after the other. */
export class Lane {
  readonly #context: RunContext;
  readonly #indexes: IndexKeeper;
  readonly #spool: Spool;
  readonly #displaced: LaneUses['displaced'];
  readonly #events: LaneEvents;
  /**
   * In order of arrival. A key that changes again keeps its place, unless the collection's order moves it behind all
   * others (docs/reference/pitfalls.md#pitfall-35).
   */
  readonly #queue = new Map<string, QueuedKey>();
  #inFlight: DirtyKey[] = [];
  #lastNumber = 0;
  #stopped = false;
  #wake = Promise.withResolvers<void>();
  readonly #waiting = new Set<Waiter>();
  readonly #slots = new Slots(COLLECTIONS_AT_A_TIME);

  constructor(context: RunContext, uses: LaneUses, events: LaneEvents) {
    this.#context = context;
    this.#indexes = uses.indexes;
    this.#spool = uses.spool;
    this.#displaced = uses.displaced;
    this.#events = events;
  }

  get size(): number {
    return this.#queue.size + this.#inFlight.length;
  }

  /** Returns the oldest stream batch with a key that isn't on the destination yet; Infinity when there is none. */
  get oldestSequence(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { sequence } of this.#inFlight) oldest = Math.min(oldest, sequence);
    for (const { sequence } of this.#queue.values()) oldest = Math.min(oldest, sequence);
    return oldest;
  }

  add(dirty: DirtyKey): void {
    const identity = dirty.collection.id + dirty.key.identity;
    const earlier = this.#queue.get(identity);
    const moves = earlier !== undefined && dirty.collection.isCapped && takesLastPlace(dirty.state);
    // rule: capped-key-moves-last
    if (moves) this.#queue.delete(identity);
    if (earlier === undefined || moves) this.#lastNumber += 1;
    const queued = earlier === undefined ? dirty : coalesce(earlier, dirty);
    this.#queue.set(identity, {
      ...queued,
      number: earlier === undefined || moves ? this.#lastNumber : earlier.number,
    });
    this.#wake.resolve();
  }

  /**
   * Resolves when everything in the lane now is on the destination, or quarantined.
   * @throws when the lane stops before that
   */
  async flush(): Promise<void> {
    if (this.size === 0) return;
    if (this.#stopped) throw new Error('The lane stopped');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add({ last: this.#lastNumber, resolve, reject });
    await promise;
  }

  /**
   * Works until the signal aborts.
   * @throws the error that stopped it
   */
  async run(signal: AbortSignal): Promise<void> {
    const wakeUp = () => this.#wake.resolve();
    signal.addEventListener('abort', wakeUp, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#queue.size === 0) {
          this.#wake = Promise.withResolvers();
          if (signal.aborted) return;
          await this.#wake.promise;
          continue;
        }
        if (this.#queue.size < BATCH_KEYS && this.#waiting.size === 0 && !this.#events.isHurried())
          await this.#context.clock.sleep(LINGER_MS, signal);
        await this.#applyBatch();
      }
    } finally {
      signal.removeEventListener('abort', wakeUp);
      this.#stopped = true;
      for (const { reject } of this.#waiting) reject(new Error('The lane stopped'));
    }
  }

  async #applyBatch(): Promise<void> {
    this.#inFlight = this.#take();
    await failpoint('engine.apply.batch-taken');
    const byCollection = Map.groupBy(this.#inFlight, ({ collection }) => collection);
    const writes = [...byCollection].map(([collection, dirty]) =>
      this.#slots.run(() => this.#apply(collection, dirty)),
    );
    // rule: await-all-collections-of-batch
    await Promise.all(writes);
    await failpoint('engine.apply.batch-acknowledged');
    this.#inFlight = [];
    this.#context.changes.notify();
    // Compares numbers, not counts: later keys may be quarantined before the awaited ones are done.
    const [next] = this.#queue.values();
    for (const waiter of this.#waiting) {
      // rule: flush-by-key-number
      if (next !== undefined && next.number <= waiter.last) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  #take(): DirtyKey[] {
    const batch: DirtyKey[] = [];
    let bytes = 0;
    for (const [identity, dirty] of this.#queue) {
      if (batch.length >= BATCH_KEYS || bytes >= BATCH_BYTES) break;
      this.#queue.delete(identity);
      batch.push(dirty);
      bytes += dirty.key.value.bytes.length + ('document' in dirty.state ? dirty.state.document.length : 0);
    }
    return batch;
  }

  /**
   * A refused document may be newer than the drop of an index on the source, so the indexes are brought in sync first.
   */
  async #applyBesideIndexes(collection: TrackedCollection, dirty: readonly DirtyKey[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#applyAndDisplace(collection, dirty);
        return;
      } catch (error) {
        this.#context.signal.throwIfAborted();
        if (!concernsOneCollection(error) || attempt === ATTEMPTS) throw error;
        const { clock, signal } = this.#context;
        // rule: wait-for-indexes-is-bounded
        await Promise.race([this.#indexes.attempt(collection), clock.sleep(INDEXES_WITHIN_MS, signal)]);
        await clock.sleep(BETWEEN_ATTEMPTS_MS, signal);
      }
    }
  }

  /**
   * Applies keys to a destination that enforces unique indexes: changes of different keys arrive in another order than
   * on the source, so documents that are out of date may hold values of newer ones. A refused document is read again
   * first, because it may be the one that is out of date.
   *
   * A document is deleted only while it has a value that the source has elsewhere at the time of the read, in an index
   * that the source enforces now. It is on record until it is written again, so no change of the stream has to bring it
   * back. It also holds back the batch of that moment: a barrier behind that is passed only when it is written. Holding
   * back anything earlier would hand the oldest batch from document to document, and the checkpoint would stand still
   * while users pass values to each other.
   */
  async #applyAndDisplace(collection: TrackedCollection, dirty: readonly DirtyKey[]): Promise<void> {
    let keys = dirty;
    for (let round = 1; ; round += 1) {
      // rule: checkpoint-waits-from-read
      const { sequence } = this.#context.position;
      try {
        return await applyKeys(this.#context, collection, keys);
      } catch (error) {
        if (!(error instanceof UniqueConflict)) throw error;
        const [first] = error.refused;
        if (round > DISPLACED_ROUNDS && first !== undefined)
          refuseWriteError(collection.target, first.key, first.error);
        const known = new Set(keys.filter(hasKnownDocument).map(({ key }) => key.identity));
        // rule: reread-before-displacing
        const current = error.refused.filter(({ key }) => !known.has(key.identity));
        const displaced = current.length > 0 ? await this.#displace(collection, current, sequence) : [];
        const refused = error.refused.map(({ key }) => key);
        // One that made room may be in this batch, too: written as the batch has it, it would be in the way again.
        // rule: reread-displaced-in-batch
        const read = new Set([...refused, ...displaced].map(({ identity }) => identity));
        keys = keys.map((one) => (read.has(one.key.identity) ? { ...one, state: UNKNOWN } : one));
      }
    }
  }

  /**
   * Makes room for refused documents.
   * @param sequence  the batch that the displaced keys hold back until they are applied again
   * @returns the displaced keys
   * @throws UserError NAMESPACE_CONFLICT when the source doesn't enforce the index now
   */
  async #displace(
    collection: TrackedCollection,
    refused: readonly RefusedDocument[],
    sequence: number,
  ): Promise<readonly DocumentKey[]> {
    const { source } = this.#context;
    const { sourceDatabase: database } = collection;
    const { collectionUUID: uuid } = pinTo(this.#context, collection);
    const sourceIndexes = await onSource(this.#context, collection, (name) =>
      listIndexesOf(source, { database, name, uuid }),
    );
    const mark = newId();
    const record = (keys: readonly DocumentKey[]) => this.#displaced.record(collection, keys, mark);
    const displaced = new Map<string, DocumentKey>();
    try {
      await onDestination(this.#context, collection, (target) =>
        displaceHolders({ ...this.#context, sourceIndexes, record }, target, refused, displaced),
      );
    } finally {
      // Only now: one that is applied before the delete may get the same values again.
      const dirty = { collection, state: UNKNOWN, sequence, displacedBy: [mark] };
      // rule: reapply-displaced
      for (const key of displaced.values()) this.#events.displaced({ ...dirty, key });
    }
    return [...displaced.values()];
  }

  async #apply(collection: TrackedCollection, dirty: readonly DirtyKey[]): Promise<void> {
    if (collection.isQuarantined) return await this.#quarantine(collection, dirty);
    try {
      await this.#applyBesideIndexes(collection, dirty);
      this.#context.counters.applied += dirty.length;
      this.#events.applied(collection, dirty);
      await this.#displaced.settle(collection, dirty);
    } catch (error) {
      if (concernsOneCollection(error)) return await this.#quarantine(collection, dirty, error);
      if (error instanceof CollectionMissing) return await this.#quarantine(collection, dirty);
      if (!(error instanceof CollectionDropped)) throw error;
      this.#context.logger.debug(
        { event: 'apply.collection_dropped', namespace: messageOf(error) },
        'Ignoring changes of a dropped collection',
      );
    }
  }

  /** Moves the lane's keys of the collection to the spool, in order. */
  async #quarantine(collection: TrackedCollection, dirty: readonly DirtyKey[], error?: UserError): Promise<void> {
    while (collection.settling !== undefined) await collection.settling;
    if (collection.isGone) return;
    const behind: DirtyKey[] = [];
    for (const [identity, one] of this.#queue) {
      if (one.collection !== collection) continue;
      this.#queue.delete(identity);
      behind.push(one);
    }
    this.#inFlight.push(...behind);
    const all = [...dirty, ...behind];
    if (await quarantine(this.#context, this.#spool, collection, all, error)) this.#events.revive(collection);
    // rule: settle-displaced-in-spool
    await this.#displaced.settle(collection, all);
  }
}
