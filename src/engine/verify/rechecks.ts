import type { Timestamp } from 'mongodb';
import { delayAfter, type Logger, reach } from '../../platform/index.ts';
import type { DirtyKey } from '../apply/dirty-key.ts';
import { type SidesParts, sidesOf } from '../apply/migrated-sides.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { hashOf } from '../compare/read-keys.ts';
import type { Changes } from '../concurrency/changes.ts';
import type { Gate } from '../concurrency/gate.ts';
import { type MemoryBudget, REPLY_BYTES } from '../concurrency/memory-budget.ts';
import { isBefore, writeBarrier } from '../mongodb/cluster-time.ts';
import type { Counters } from '../records/counters.ts';
import { type OpenKey, RecheckQueue } from './recheck-queue.ts';

/** The parts of a run that rechecks need. */
export interface RechecksParts extends SidesParts {
  readonly changes: Changes;
  readonly counters: Counters;
  readonly gate: Gate;
  readonly logger: Logger;
  readonly memory: MemoryBudget;
}

const BATCH_KEYS = 1_000;
/** Each batch is a round trip to both sides. Several of one collection run at a time, or a distant side could not keep up with it. */
const BATCHES_AT_A_TIME = 8;
/** How long a few keys wait for others, so that a few changes per second don't become many tiny reads. */
const LINGER_MS = 50;
/** For conditions that depend on the time. Whatever else they depend on wakes the worker. */
const LOOK_AGAIN_AFTER_MS = 100;
const BACK_OFF = { firstMs: 50, longestMs: 2_000 };
/** How often the engine writes a note on a source whose time stands still. */
const MOVE_TIME_EVERY_MS = 500;
/** While somebody waits for a barrier, and perhaps for the end of a write pause. */
const MOVE_TIME_HURRIED_EVERY_MS = 50;
/** Comparisons in a row that must differ, with an unchanged document on the source, before the difference counts. */
const COUNTS_AFTER = 3;
/** Above this, the engine reads the stream only when no key can be compared before it continues. */
const MOST_OPEN_KEYS = 50_000;
/** Above this, a collection is compared anew instead of its keys. */
const MOST_WAITING_KEYS = 75_000;

/** The stream as the rechecks know it. */
export interface AppliedStream {
  /**
   * The time before which everything that the source acknowledged is applied, hidden writes included. A time itself
   * isn't passed yet: events of one transaction share one, and may come in several batches.
   */
  passedTo(): Timestamp;
  /** Whether somebody waits for a barrier. */
  isHurried(): boolean;
}

/**
 * Compares each key on both sides after its last change.
 *
 * A difference alone says nothing, because the source may have changed a moment ago. It counts when the source's
 * document stays the same over several comparisons, the stream has passed the time of the earlier ones, and the lanes
 * haven't written the key meanwhile: then no change explains it.
 */
export class Rechecks {
  readonly #parts: RechecksParts;
  readonly #stream: AppliedStream;
  readonly #onMismatch: (open: OpenKey) => Promise<void>;
  readonly #onEqual: (open: OpenKey) => Promise<void>;
  readonly #onCrowded: (collection: TrackedCollection) => void;
  readonly #queue = new RecheckQueue();
  readonly #begun = new Set<TrackedCollection>();
  readonly #running = new Set<Promise<void>>();
  #movedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether one batch of the stream may pass, although many keys are open. */
  #passesOne = false;

  /**
   * @param onMismatch  receives a difference that counts, once it stays; returns when it is on record
   * @param onEqual  receives each key that is equal
   * @param onCrowded  receives the collection with the most keys when too many wait; its verification must begin anew
   */
  constructor(
    parts: RechecksParts,
    stream: AppliedStream,
    results: {
      readonly onMismatch: (open: OpenKey) => Promise<void>;
      readonly onEqual: (open: OpenKey) => Promise<void>;
      readonly onCrowded: (collection: TrackedCollection) => void;
    },
  ) {
    this.#parts = parts;
    this.#stream = stream;
    this.#onMismatch = results.onMismatch;
    this.#onEqual = results.onEqual;
    this.#onCrowded = results.onCrowded;
  }

  get oldestSequence(): number {
    return this.#queue.oldestSequence;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Keys that the checkpoint doesn't wait for. They must be settled before a cutover. */
  get unbound(): number {
    return this.#queue.unbound;
  }

  hasUnbound(collection: TrackedCollection): boolean {
    return this.#queue.hasUnbound(collection);
  }

  /** From here on, changes of the collection are compared. To be called before the first read of its full comparison. */
  begin(collection: TrackedCollection): void {
    this.#begun.add(collection);
  }

  /** Forgets the collection. Its verification must not be on record any more, or the collection is dropped. */
  forget(collection: TrackedCollection): void {
    this.#begun.delete(collection);
    this.#queue.forget(collection);
    this.#parts.changes.notify();
  }

  /** Takes keys that a lane has just written. */
  applied(collection: TrackedCollection, dirty: readonly DirtyKey[]): void {
    if (!this.#begun.has(collection)) return;
    for (const { key, sequence } of dirty) this.#queue.add(collection, key, sequence);
  }

  /** Takes keys that differed in the full comparison. Those that wait already stay. */
  suspect(collection: TrackedCollection, keys: readonly DocumentKey[]): void {
    for (const key of keys)
      if (this.#queue.get(collection, key) === undefined) this.#queue.add(collection, key, Number.POSITIVE_INFINITY);
    this.#parts.changes.notify();
  }

  /** Takes keys that somebody else wrote on the destination. */
  foreign(collection: TrackedCollection, keys: readonly DocumentKey[]): void {
    if (!this.#begun.has(collection)) return;
    for (const key of keys) this.#queue.add(collection, key, Number.POSITIVE_INFINITY, true);
    this.#parts.changes.notify();
  }

  /** Resolves when the engine may read another batch of the stream. */
  async room(signal: AbortSignal): Promise<void> {
    const hasRoom = () => this.#queue.size < MOST_OPEN_KEYS || this.#passesOne;
    if (!hasRoom()) await this.#parts.changes.until(hasRoom, signal, LOOK_AGAIN_AFTER_MS);
    this.#passesOne = false;
  }

  /** Works until the run ends. */
  async run(): Promise<void> {
    const { changes, clock, gate, signal } = this.#parts;
    while (!signal.aborted) {
      await gate.pass(signal);
      const due = this.#queue.collections.map((collection) => this.#due(collection).length);
      if (due.every((keys) => keys === 0)) {
        if (this.#running.size === 0) this.#makeProgress();
        await this.#moveTime();
        await Promise.race([changes.next(signal, LOOK_AGAIN_AFTER_MS), ...this.#running]);
        continue;
      }
      if (!this.#stream.isHurried() && due.every((keys) => keys < BATCH_KEYS)) await clock.sleep(LINGER_MS, signal);
      for (const collection of this.#queue.collections) {
        // rule: several-rechecks-of-collection
        if (this.#running.size === BATCHES_AT_A_TIME) await Promise.race(this.#running);
        this.#start(collection, this.#due(collection));
      }
    }
    await Promise.all(this.#running);
  }

  /** Compares a batch beside others. One that has failed stays, so that the next wait fails. */
  #start(collection: TrackedCollection, batch: readonly OpenKey[]): void {
    if (batch.length === 0) return;
    for (const open of batch) open.comparing = true;
    const running = this.#compare(collection, batch).finally(() => {
      for (const open of batch) open.comparing = false;
    });
    this.#running.add(running);
    running.then(
      () => this.#running.delete(running),
      () => undefined,
    );
  }

  /**
   * Lets the stream continue when nothing is due or under way. Keys that differ wait until the stream has passed the
   * time of their comparison, so a stream that waited for them would wait forever.
   */
  #makeProgress(): void {
    if (this.#queue.size < MOST_OPEN_KEYS) return;
    if (this.#queue.size < MOST_WAITING_KEYS) {
      // rule: pass-one-event
      this.#passesOne = true;
      this.#parts.changes.notify();
      return;
    }
    const { largest } = this.#queue;
    // rule: compare-crowded-anew
    if (largest !== undefined) this.#onCrowded(largest);
  }

  /** On a source without writes, the stream would take 10 s to pass the time of a comparison. */
  async #moveTime(): Promise<void> {
    const { clock, retrier, source } = this.#parts;
    const everyMs = this.#stream.isHurried() ? MOVE_TIME_HURRIED_EVERY_MS : MOVE_TIME_EVERY_MS;
    if (clock.elapsed() - this.#movedAtMs < everyMs) return;
    const passedTo = this.#stream.passedTo();
    if (!this.#queue.some(({ notBefore }) => !isPassed(notBefore, passedTo))) return;
    this.#movedAtMs = clock.elapsed();
    await retrier.run('the source', () => writeBarrier(source));
  }

  #due(collection: TrackedCollection): OpenKey[] {
    // A collection that is copied, repaired or lost is compared again as a whole, or later.
    if (collection.state !== 'live' || collection.suspicion !== null) return [];
    const nowMs = this.#parts.clock.elapsed();
    const keys = Math.max(1, Math.min(BATCH_KEYS, Math.floor(REPLY_BYTES / 2 / (collection.averageBytes || 1))));
    // Once for all keys: it depends on every key in the lanes.
    const passedTo = this.#stream.passedTo();
    const may = ({ notBefore, notBeforeMs }: OpenKey) => notBeforeMs <= nowMs && isPassed(notBefore, passedTo);
    return this.#queue.due(collection, may, keys);
  }

  async #compare(collection: TrackedCollection, batch: readonly OpenKey[]): Promise<void> {
    const { clock, counters, memory, signal, changes } = this.#parts;
    const keys = batch.map(({ key }) => key);
    try {
      using _ = await memory.fetches.take(expectedBytes(collection, keys.length), signal);
      const sides = sidesOf(this.#parts, collection);
      const [source, destination] = await Promise.all([
        sides.source.readKeys(keys, hashOf),
        sides.destination.readKeys(keys, hashOf),
      ]);
      await reach('engine.verify.keys-compared');
      for (const open of batch) {
        if (!this.#queue.isCurrent(open)) continue;
        const hash = source.found.get(open.key.identity);
        if (hash === destination.found.get(open.key.identity)) {
          await this.#onEqual(open);
          counters.rechecked += 1;
          this.#queue.settle(open);
          continue;
        }
        open.differed = open.differed > 0 && hash === open.sourceHash ? open.differed + 1 : 1;
        open.sourceHash = hash;
        // rule: wait-for-comparison-time
        open.notBefore = source.time;
        open.notBeforeMs = clock.elapsed() + delayAfter(open.differed, BACK_OFF);
        if (open.differed < COUNTS_AFTER || collection.suspicion !== null) continue;
        open.differed = 0;
        await this.#onMismatch(open);
      }
    } catch (error) {
      // The collection is dropped, or set aside until the source's server has it again.
      if (!(error instanceof CollectionDropped || error instanceof CollectionMissing)) throw error;
      for (const open of batch) open.notBeforeMs = clock.elapsed() + BACK_OFF.longestMs;
    }
    changes.notify();
  }

  /** Takes a key out of the worker's hands until the lanes have applied it again. */
  static repairing(open: OpenKey): void {
    open.repairing = true;
  }

  /** Removes a key whose difference stays open. */
  leave(open: OpenKey): void {
    this.#queue.settle(open);
  }
}

function isPassed(time: Timestamp | undefined, passedTo: Timestamp): boolean {
  return time === undefined || isBefore(time, passedTo);
}

/** Replies of both sides, with the size of the largest document for one of them. */
function expectedBytes({ averageBytes, largestBytes }: TrackedCollection, keys: number): number {
  return 2 * Math.min(REPLY_BYTES, keys * averageBytes + largestBytes);
}
