import { failpoint, type UserError } from '../../platform/index.ts';
import type { Lanes } from '../apply/lanes.ts';
import { READ_KEYS, type Spool } from '../apply/spool.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { RunContext } from '../collections/context.ts';
import { declareRestart } from '../collections/declare-restart.ts';
import type { IndexKeeper } from '../collections/index-keeper.ts';
import { CollectionDropped, CollectionMissing, onSource, untilBack } from '../collections/moved.ts';
import { refusedAgain, type TrackedCollection } from '../collections/tracked-collection.ts';
import { allEnded } from '../concurrency/all-ended.ts';
import { Slots } from '../concurrency/slots.ts';
import type { Throttle } from '../concurrency/throttle.ts';
import { concernsOneCollection } from '../mongodb/failure-policy.ts';
import type { PartitionRecord } from '../records/records.ts';
import { copyPartition } from './copy-partition.ts';
import { emptyCollection } from './insert-documents.ts';
import { planPartitions } from './plan-partitions.ts';

/** Delay between attempts for a collection with something that the destination refuses. */
const NEXT_TRY_AFTER_MS = 30_000;

/** More than ranges, so that planning and indexing of small collections overlap with commits of others. */
const COLLECTIONS_AT_A_TIME = 16;

/**
 * Takes collections from `pending` to `live`: copies them, builds their indexes, and applies the changes made
 * meanwhile.
 */
export class Copier {
  readonly #context: RunContext;
  readonly #spool: Spool;
  readonly #lanes: Lanes;
  readonly #indexes: IndexKeeper;
  readonly #throttle: Throttle;
  readonly #collectionSlots = new Slots(COLLECTIONS_AT_A_TIME);
  readonly #partitionSlots: Slots;
  /** The task that takes each collection to `live`. */
  readonly #takenUp = new WeakMap<TrackedCollection, Promise<void>>();

  constructor(context: RunContext, spool: Spool, lanes: Lanes, indexes: IndexKeeper, throttle: Throttle) {
    this.#context = context;
    this.#spool = spool;
    this.#lanes = lanes;
    this.#indexes = indexes;
    this.#throttle = throttle;
    this.#partitionSlots = new Slots(context.load.current.partitionsAtATime);
  }

  /** Applies the operator's load level. */
  adjustLoad(): void {
    this.#partitionSlots.resize(this.#context.load.current.partitionsAtATime);
  }

  /**
   * Starts on every collection that is neither live nor under way, largest first.
   * @param start  runs a task of the migration
   */
  async takeUp(start: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    const waiting = [...this.#context.tracked.values()].filter(
      (collection) => collection.state !== 'live' && !this.#takenUp.has(collection),
    );
    await Promise.all(
      waiting
        .filter(({ state }) => state === 'pending')
        .map((collection) => this.#collectionSlots.run(() => this.#measure(collection))),
    );
    waiting.sort((a, b) => b.bytes - a.bytes);
    for (const collection of waiting)
      this.#takenUp.set(
        collection,
        start(() => this.#bringToLife(collection)),
      );
  }

  /** Copies a live collection again, in place of its current content. Does nothing for one that is not live, such as one that is quarantined. */
  async copyAnew(collection: TrackedCollection): Promise<void> {
    await this.#takenUp.get(collection); // The rest of its first copy.
    if (collection.state !== 'live') return;
    this.#takenUp.set(collection, Promise.resolve());
    const declared = declareRestart(this.#context, collection);
    Object.assign(collection.copied, { documents: 0, bytes: 0, partitions: 0, partitionsDone: 0 });
    // From here on, the copy sees its changes. Earlier changes must not be applied after it.
    collection.advance({ kind: 'copy again' });
    await declared;
    await this.#lanes.flush();
    await this.#record(collection);
    await this.#bringToLife(collection);
  }

  async #measure(collection: TrackedCollection): Promise<void> {
    const { source, retrier } = this.#context;
    const size = await retrier.run('the source', () =>
      collectionSize(source, collection.sourceDatabase, collection.sourceName),
    );
    collection.documents = size.documents;
    collection.bytes = size.bytes;
  }

  /**
   * Retries a collection that was quarantined, until the destination accepts what it refused and the source has the
   * collection.
   */
  async revive(collection: TrackedCollection): Promise<void> {
    await this.#unlessDropped(async () => {
      await this.#untilNextTry(collection);
      await this.#untilLive(collection);
    });
  }

  async #bringToLife(collection: TrackedCollection): Promise<void> {
    await this.#unlessDropped(() => this.#untilLive(collection));
  }

  async #unlessDropped(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CollectionDropped)) throw error;
    }
  }

  async #untilLive(collection: TrackedCollection): Promise<void> {
    while (true) {
      try {
        await this.#collectionSlots.run(() => this.#copy(collection));
        const indexes = await this.#context.waitTimes.during('destination', this.#indexes.attempt(collection));
        await failpoint('engine.copy.indexed');
        await this.#drainSpool(collection);
        await indexes.done;
        return;
      } catch (error) {
        if (concernsOneCollection(error)) this.#hold(collection, error);
        else if (!(error instanceof CollectionMissing)) throw error;
      }
      await this.#untilNextTry(collection);
    }
  }

  #hold(collection: TrackedCollection, error: UserError): void {
    collection.stuck = refusedAgain(collection.stuck, error, this.#context.clock);
  }

  async #untilNextTry(collection: TrackedCollection): Promise<void> {
    const { namespace, stuck, missing, dropped } = collection;
    if (stuck === undefined || missing !== undefined) return await untilBack(this.#context, collection);
    const { clock, logger, signal } = this.#context;
    logger.warn(
      { event: 'copy.collection_waits', namespace, reason: stuck.error.message },
      'A collection waits; all others continue',
    );
    await clock.sleep(NEXT_TRY_AFTER_MS, AbortSignal.any([signal, dropped.signal]));
    signal.throwIfAborted();
  }

  async #copy(collection: TrackedCollection): Promise<void> {
    await this.#context.gate.pass(this.#context.signal);
    let partitions: readonly PartitionRecord[] | undefined;
    if (collection.state === 'pending') {
      if (collection.suspicion !== null) await emptyCollection(this.#context, collection);
      partitions = await this.#plan(collection);
    }
    if (collection.state !== 'copying') return;
    partitions ??= await this.#context.checkpoint.partitions(collection.uuid);
    const open = partitions.filter(({ done }) => !done);
    const copies = open.map((partition) =>
      this.#partitionSlots
        .run(() => copyPartition(this.#context, collection, partition, this.#throttle))
        .catch((error: unknown) => {
          // Reported at once, although the other ranges continue.
          if (concernsOneCollection(error)) this.#hold(collection, error);
          throw error;
        }),
    );
    const failures = (await Promise.allSettled(copies)).flatMap((one) => (one.status === 'rejected' ? [one] : []));
    const [failed] = failures.sort((a, b) => severity(a.reason) - severity(b.reason));
    if (failed !== undefined) throw failed.reason;
    collection.stuck = undefined;
    if (collection.filter !== null) await this.#countSelected(collection);
    await failpoint('engine.copy.collection-copied');
    // Not recorded on its own: a successor finds all ranges done.
    collection.advance({ kind: 'copied' });
  }

  /** The source's statistics count all documents. By now the number of selected ones is known. */
  async #countSelected(collection: TrackedCollection): Promise<void> {
    const partitions = await this.#context.checkpoint.partitions(collection.uuid);
    collection.documents = partitions.reduce((sum, { documents }) => sum + documents, 0);
    collection.bytes = partitions.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Plans the ranges. From the first line on, changes go to the spool; every read of the copy sees earlier ones. The
   * record must say so before the first document is written, or a successor would drop changes of copied documents.
   */
  async #plan(collection: TrackedCollection): Promise<readonly PartitionRecord[]> {
    collection.advance({ kind: 'plan begun' });
    collection.reordered = false;
    collection.readAfter = this.#context.position.time;
    const { suspicion } = collection;
    collection.suspicion = null; // The copy reads all changes that may have been missed.
    await failpoint('engine.copy.before-first-read');
    const { checkpoint } = this.#context;
    const planned = onSource(this.#context, collection, () => planPartitions(this.#context, collection));
    // The removal of an earlier plan must have ended before another one is written, also when this one fails.
    // rule: plan-again-when-missing
    await allEnded([planned, checkpoint.removePartitions(collection.uuid)]).catch((error: unknown) => {
      // The collection must be planned again: without ranges it would look like an empty one.
      collection.advance({ kind: 'plan failed' });
      collection.suspicion ??= suspicion;
      throw error;
    });
    const partitions = await planned;
    const declared = declareRestart(this.#context, collection);
    Object.assign(collection.copied, { documents: 0, bytes: 0, partitions: partitions.length, partitionsDone: 0 });
    await declared;
    await checkpoint.planPartitions(partitions);
    collection.advance({ kind: 'planned' });
    // rule: plan-on-record-first
    await this.#record(collection);
    if (suspicion !== null) await checkpoint.clearSuspect(collection.uuid, suspicion.mark);
    return partitions;
  }

  /** Applies the changes of the copy's time through the lanes, which fetch each document again. */
  async #drainSpool(collection: TrackedCollection): Promise<void> {
    const before = collection.stuck;
    collection.advance({ kind: 'drain begun', ordered: collection.isCapped });
    let hadKeys: boolean;
    try {
      // rule: drain-spool-before-live
      hadKeys = await this.#emptySpool(collection);
      collection.advance({ kind: 'order drained' });
    } finally {
      collection.intake.open();
    }
    await this.#lanes.flush();
    await failpoint('engine.copy.drained');
    if (collection.stuck !== undefined && collection.stuck !== before) throw collection.stuck.error;
    // The collection was quarantined because the source's server didn't have it: the spool has keys that no lane has
    // written.
    // rule: no-drain-when-quarantined
    if (collection.state === 'quarantined') throw new CollectionMissing(collection.namespace);
    collection.stuck = undefined;
    collection.settling = this.#settle(collection, hadKeys).finally(() => {
      collection.settling = undefined;
    });
    await collection.settling;
  }

  /** @returns whether the spool had keys */
  async #emptySpool(collection: TrackedCollection): Promise<boolean> {
    await this.#beforeRead(collection);
    let hadKeys = false;
    for await (const keys of this.#spool.keys(collection)) {
      hadKeys = true;
      // Nothing may be added behind what could be the last batch, or there might always be another.
      if (keys.length === READ_KEYS) collection.intake.open();
      await this.#context.gate.pass(this.#context.signal);
      await this.#lanes.room();
      for (const { key, state } of keys) {
        this.#lanes.add({ collection, key, state, sequence: Number.POSITIVE_INFINITY });
      }
      // A shorter batch is the last one, or one of long keys, of which a lane holds no more.
      if (keys.length < READ_KEYS) await this.#lanes.flush();
      // When quarantined, the lanes return their keys to the spool, and a later drain takes them all.
      if (collection.state !== 'draining') return hadKeys;
      if (collection.drainsInOrder) await this.#beforeRead(collection);
    }
    return hadKeys;
  }

  /** Makes the spooled keys readable, and keeps new ones out until they are read. */
  async #beforeRead(collection: TrackedCollection): Promise<void> {
    if (collection.drainsInOrder) collection.intake.close();
    await this.#spool.flush();
  }

  async #settle(collection: TrackedCollection, hadKeys: boolean): Promise<void> {
    collection.advance({ kind: 'drained' });
    await this.#record(collection);
    if (hadKeys) await this.#context.checkpoint.clearSpool(collection.uuid);
  }

  /** Puts the collection's state on record. @throws CollectionDropped */
  async #record(collection: TrackedCollection): Promise<void> {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    await this.#context.checkpoint.saveCollection(collection);
  }
}

/**
 * Errors that end the migration come first, then those that end the work on the collection, then those that make it
 * wait.
 */
function severity(reason: unknown): number {
  if (concernsOneCollection(reason)) return 2;
  return reason instanceof CollectionDropped || reason instanceof CollectionMissing ? 1 : 0;
}
