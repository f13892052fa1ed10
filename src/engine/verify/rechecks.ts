import type { Timestamp } from 'mongodb';
import { delayAfter, failpoint } from '../../platform/index.ts';
import type { DirtyKey } from '../apply/dirty-key.ts';
import { sidesOf } from '../apply/migrated-sides.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import type { Dispatched } from '../collections/context.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type BothRead, readBoth } from '../compare/collection-side.ts';
import { hashOf } from '../compare/read-keys.ts';
import { type Patience, Rechecks } from '../compare/rechecks.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import { isBefore, operationTimeOf, writeBarrier } from '../mongodb/cluster-time.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';
import { type OpenKey, RecheckQueue } from './recheck-queue.ts';

/** How long a few keys wait for others, so that a few changes per second don't become many tiny reads. */
const LINGER_MS = 50;
/** For conditions that depend on the time. All else that they depend on wakes the worker. */
const LOOK_AGAIN_AFTER_MS = 100;
const BACK_OFF = { firstMs: 50, longestMs: 2_000 };
/** How often the engine writes a note on a source whose time stands still. */
const MOVE_TIME_EVERY_MS = 500;
/** While a task waits for a barrier, and perhaps users for the end of a write pause. */
const MOVE_TIME_HURRIED_EVERY_MS = 50;
/** Comparisons in a row that must differ, with an unchanged document on the source, before the difference counts. */
const COUNTS_AFTER = 3;

/** The stream as the rechecks know it. */
export interface AppliedStream {
  /**
   * The time before which everything that the source acknowledged is applied, unstreamed writes included. A time itself
   * isn't passed yet: events of one transaction share one, and may come in several batches.
   */
  passedTo(): Timestamp;
  /** Whether a task waits for a barrier. */
  isHurried(): boolean;
}

/**
 * How a difference that counts ends: both sides are `equal` by now, it is `left` as it is, or the lanes apply the key again, which
 * brings it back.
 */
export type SettledMismatch = 'equal' | 'left' | 'repairing';

/** Receives the results. */
interface RecheckResults {
  /** A difference that counts. Resolves when it is on record. */
  onMismatch(open: OpenKey): Promise<SettledMismatch>;
  onEqual(open: OpenKey): Promise<void>;
  /** Too many keys wait. The verification of the collection with the most of them must begin anew. */
  onCrowded(collection: TrackedCollection): void;
}

/**
 * Compares each key on both sides after its last change.
 *
 * A difference alone says nothing, because the source may have changed a moment ago. It counts when the source's
 * document stays the same over several comparisons, the stream has passed the time of the earlier ones, and the lanes
 * haven't written the key meanwhile: then no change explains it.
 */
export class MigrationRechecks implements Patience<TrackedCollection, OpenKey> {
  readonly #context: Clusters & Pace & Telling & Dispatched;
  readonly #stream: AppliedStream;
  readonly #results: RecheckResults;
  readonly keys = new RecheckQueue();
  readonly #begun = new Set<TrackedCollection>();
  #movedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether one batch of the stream may pass, although many keys are open. */
  #passesOne = false;

  constructor(context: Clusters & Pace & Telling & Dispatched, stream: AppliedStream, results: RecheckResults) {
    this.#context = context;
    this.#stream = stream;
    this.#results = results;
  }

  get size(): number {
    return this.keys.size;
  }

  /** From here on, changes of the collection are compared. To be called before the first read of its full comparison. */
  begin(collection: TrackedCollection): void {
    this.#begun.add(collection);
  }

  /** Forgets the collection. Its verification must not be on record any more, or the collection is dropped. */
  forget(collection: TrackedCollection): void {
    this.#begun.delete(collection);
    this.keys.forget(collection);
    this.#context.changes.notify();
  }

  /** Takes keys that a lane has just written. */
  applied(collection: TrackedCollection, dirty: readonly DirtyKey[]): void {
    if (!this.#begun.has(collection)) return;
    for (const { key, sequence } of dirty) this.keys.add(collection, key, sequence);
  }

  /** Takes keys that differed in the full comparison. Those that wait already stay. */
  suspect(collection: TrackedCollection, keys: readonly DocumentKey[]): void {
    for (const key of keys)
      if (this.keys.get(collection, key) === undefined) this.keys.add(collection, key, Number.POSITIVE_INFINITY);
    this.#context.changes.notify();
  }

  /** Takes keys that other clients wrote on the destination. */
  external(collection: TrackedCollection, keys: readonly DocumentKey[]): void {
    if (!this.#begun.has(collection)) return;
    for (const key of keys) this.keys.add(collection, key, Number.POSITIVE_INFINITY, true);
    this.#context.changes.notify();
  }

  /** Resolves when the engine may read another batch of the stream. */
  async room(signal: AbortSignal): Promise<void> {
    const hasRoom = () => !this.keys.isFull || this.#passesOne;
    if (!hasRoom()) await this.#context.changes.until(hasRoom, signal, LOOK_AGAIN_AFTER_MS);
    this.#passesOne = false;
  }

  /** Works until the run ends. */
  async run(): Promise<void> {
    const { clock, signal } = this.#context;
    await new Rechecks(this.keys, this, clock).run(signal);
  }

  get lingerMs(): number {
    return this.#stream.isHurried() ? 0 : LINGER_MS;
  }

  async ready(): Promise<void> {
    await this.#context.gate.pass(this.#context.signal);
  }

  averageBytes({ averageBytes, state, suspicion }: TrackedCollection): number | undefined {
    // A collection that is copied, repaired or lost is compared again as a whole, or later.
    return state === 'live' && suspicion === null ? averageBytes : undefined;
  }

  readiness(): (open: OpenKey) => boolean {
    // Once for all keys: it depends on every key in the lanes.
    const passedTo = this.#stream.passedTo();
    return ({ notBefore }) => isPassed(notBefore, passedTo);
  }

  async read(collection: TrackedCollection, batch: readonly OpenKey[]): Promise<BothRead<string>> {
    const { memory, signal } = this.#context;
    using _ = await memory.fetches.take(expectedBytes(collection, batch.length), signal);
    const keys = batch.map(({ key }) => key);
    const read = await readBoth(sidesOf(this.#context, collection), keys, hashOf);
    await failpoint('engine.verify.keys-compared');
    return read;
  }

  async equal(open: OpenKey): Promise<void> {
    await this.#results.onEqual(open);
    this.#context.counters.rechecked += 1;
    this.keys.settle(open);
  }

  differs(open: OpenKey, { source }: BothRead<string>): number | undefined {
    const hash = source.found.get(open.key.identity);
    open.differed = open.differed > 0 && hash === open.sourceHash ? open.differed + 1 : 1;
    open.sourceHash = hash;
    // rule: wait-for-comparison-time
    open.notBefore = operationTimeOf({ operationTime: source.time }, 'source');
    if (open.differed < COUNTS_AFTER) return delayAfter(open.differed, BACK_OFF);
    open.differed = 0;
    return undefined;
  }

  async declare(differing: readonly OpenKey[]): Promise<void> {
    for (const open of differing) {
      const counts = open.collection.suspicion === null && this.keys.isCurrent(open);
      const settled = counts ? await this.#results.onMismatch(open) : 'equal';
      if (settled === 'left') this.keys.settle(open);
      if (settled === 'equal') open.release(this.#context.clock.elapsed() + delayAfter(COUNTS_AFTER, BACK_OFF));
    }
  }

  pauseAfter(error: unknown): number {
    // The collection is dropped, or quarantined until the source's server has it again.
    if (!(error instanceof CollectionDropped || error instanceof CollectionMissing)) throw error;
    return BACK_OFF.longestMs;
  }

  ended(): void {
    this.#context.changes.notify();
  }

  async rest(reads: ReadonlySet<Promise<void>>): Promise<void> {
    const { changes, signal } = this.#context;
    if (reads.size === 0) this.#makeProgress();
    await this.#moveTime();
    await Promise.race([changes.next(signal, LOOK_AGAIN_AFTER_MS), ...reads]);
  }

  /**
   * Lets the stream continue when nothing is due or under way. Keys that differ wait until the stream has passed the
   * time of their comparison, so a stream that waited for them would wait forever.
   */
  #makeProgress(): void {
    if (!this.keys.isFull) return;
    const { crowded } = this.keys;
    // rule: compare-crowded-anew
    if (crowded !== undefined) this.#results.onCrowded(crowded);
    // rule: pass-one-event
    if (crowded === undefined) this.#passesOne = true;
    this.#context.changes.notify();
  }

  /** On a source without writes, the stream would take 10 s to pass the time of a comparison. */
  async #moveTime(): Promise<void> {
    const { clock, retrier, source } = this.#context;
    const everyMs = this.#stream.isHurried() ? MOVE_TIME_HURRIED_EVERY_MS : MOVE_TIME_EVERY_MS;
    if (clock.elapsed() - this.#movedAtMs < everyMs) return;
    const isReady = this.readiness();
    if (!this.keys.some((open) => !isReady(open))) return;
    this.#movedAtMs = clock.elapsed();
    await retrier.run('the source', () => writeBarrier(source));
  }
}

function isPassed(time: Timestamp | undefined, passedTo: Timestamp): boolean {
  return time === undefined || isBefore(time, passedTo);
}

/** Replies of both sides, with the size of the largest document for one of them. */
function expectedBytes({ averageBytes, largestBytes }: TrackedCollection, keys: number): number {
  return 2 * Math.min(REPLY_BYTES, keys * averageBytes + largestBytes);
}
