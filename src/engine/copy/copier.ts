import { reach } from '../../platform/index.ts';
import type { Lanes } from '../apply/lanes.ts';
import { READ_KEYS, type Spool } from '../capture/spool.ts';
import type { IndexKeeper } from '../catalog/index-keeper.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import type { CollectionState } from '../checkpoint/records.ts';
import { CollectionDropped, onSource } from '../cluster/moved.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { Slots } from '../lifecycle/slots.ts';
import { copyPartition } from './copy-partition.ts';
import { planPartitions } from './plan-partitions.ts';
import type { Throttle } from './throttle.ts';

/** More than ranges, so that planning and indexing of small collections hide behind each other's commits. */
const COLLECTIONS_AT_A_TIME = 8;

/** Takes collections from `pending` to `live`: copy, indexes, what changed meanwhile. */
export class Copier {
  readonly #context: EngineContext;
  readonly #spool: Spool;
  readonly #lanes: Lanes;
  readonly #indexes: IndexKeeper;
  readonly #throttle: Throttle;
  readonly #collectionSlots = new Slots(COLLECTIONS_AT_A_TIME);
  readonly #partitionSlots: Slots;
  readonly #takenUp = new Set<TrackedCollection>();

  constructor(context: EngineContext, spool: Spool, lanes: Lanes, indexes: IndexKeeper, throttle: Throttle) {
    this.#context = context;
    this.#spool = spool;
    this.#lanes = lanes;
    this.#indexes = indexes;
    this.#throttle = throttle;
    this.#partitionSlots = new Slots(context.load.partitionsAtATime);
  }

  /** Takes up the operator's load level. */
  adjustLoad(): void {
    this.#partitionSlots.resize(this.#context.load.partitionsAtATime);
  }

  /** Starts on every collection that is not live and not under way, largest first. @param start runs a task of the migration */
  async takeUp(start: (task: () => Promise<void>) => void): Promise<void> {
    const waiting = [...this.#context.tracked.values()].filter(
      (collection) => collection.state !== 'live' && !this.#takenUp.has(collection),
    );
    for (const collection of waiting) this.#takenUp.add(collection);
    await Promise.all(
      waiting.filter(({ state }) => state === 'pending').map((collection) => this.#measure(collection)),
    );
    waiting.sort((a, b) => b.bytes - a.bytes);
    for (const collection of waiting) start(() => this.#bringToLife(collection));
  }

  async #measure(collection: TrackedCollection): Promise<void> {
    const { source, retrier } = this.#context;
    const size = await retrier.run('the source', () =>
      collectionSize(source, collection.sourceDatabase, collection.sourceName),
    );
    collection.documents = size.documents;
    collection.bytes = size.bytes;
  }

  async #bringToLife(collection: TrackedCollection): Promise<void> {
    try {
      await this.#collectionSlots.run(() => this.#copy(collection));
      const indexes = await this.#indexes.attempt(collection);
      await reach('engine.copy.indexed');
      await this.#drainSpool(collection);
      await indexes.done;
    } catch (error) {
      if (!(error instanceof CollectionDropped)) throw error;
    }
  }

  async #copy(collection: TrackedCollection): Promise<void> {
    await this.#context.gate.pass(this.#context.signal);
    if (collection.state === 'pending') await this.#plan(collection);
    if (collection.state !== 'copying') return;
    const { checkpoint, retrier } = this.#context;
    const partitions = await retrier.run('the destination', () => checkpoint.partitions(collection.uuid));
    const open = partitions.filter(({ done }) => !done);
    const copies = open.map((partition) =>
      this.#partitionSlots.run(() => copyPartition(this.#context, collection, partition, this.#throttle)),
    );
    await Promise.all(copies);
    if (collection.filter !== null) await this.#countSelected(collection);
    await reach('engine.copy.collection-copied');
    // Not on record by itself: a successor finds all ranges done.
    collection.state = 'indexing';
  }

  /** The source's statistics count all documents; by now it is known how many are migrated. */
  async #countSelected(collection: TrackedCollection): Promise<void> {
    const { checkpoint, retrier } = this.#context;
    const partitions = await retrier.run('the destination', () => checkpoint.partitions(collection.uuid));
    collection.documents = partitions.reduce((sum, { documents }) => sum + documents, 0);
    collection.bytes = partitions.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * From the first line on, changes go to the spool; what came before is seen by every read of the copy. That must be on record before
   * the first document is written, or a successor would drop changes of documents that are there already.
   */
  async #plan(collection: TrackedCollection): Promise<void> {
    collection.state = 'copying';
    collection.readAfter = this.#context.position.time;
    await reach('engine.copy.before-first-read');
    const { checkpoint, retrier } = this.#context;
    const partitions = await onSource(this.#context, collection, () => planPartitions(this.#context, collection));
    await retrier.run('the destination', () => checkpoint.planPartitions(collection.uuid, partitions));
    Object.assign(collection.copied, { documents: 0, bytes: 0, partitions: partitions.length, partitionsDone: 0 });
    await this.#enter(collection, 'copying');
  }

  /** What changed during the copy goes through the lanes, which read it anew. */
  async #drainSpool(collection: TrackedCollection): Promise<void> {
    collection.draining = true;
    await this.#spool.flush();
    for await (const keys of this.#spool.keys(collection)) {
      await this.#context.gate.pass(this.#context.signal);
      await this.#lanes.room();
      for (const key of keys) {
        this.#lanes.add({ collection, key, state: { kind: 'unknown' }, sequence: Number.POSITIVE_INFINITY });
      }
      // A shorter batch is the last one, or one of long keys, of which lanes take no more.
      if (keys.length < READ_KEYS) await this.#lanes.flush();
    }
    await this.#lanes.flush();
    await reach('engine.copy.drained');
    await this.#enter(collection, 'live');
    const { checkpoint, retrier } = this.#context;
    await retrier.run('the destination', () => checkpoint.clearSpool(collection.uuid));
  }

  async #enter(collection: TrackedCollection, state: CollectionState): Promise<void> {
    if (collection.isGone) throw new CollectionDropped(collection.namespace);
    collection.state = state;
    const { checkpoint, retrier } = this.#context;
    await retrier.run('the destination', () => checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId)));
  }
}
