import type { MongoClient } from 'mongodb';
import { messageOf, reach, UserError } from '../../platform/index.ts';
import { createIndexes, dropIndex } from '../catalog/change-catalog.ts';
import { type IndexSpec, inCollation, sameButForWeakening, weakened } from '../catalog/index-spec.ts';
import { listIndexesOf } from '../catalog/read-catalog.ts';
import type { Changes } from '../concurrency/changes.ts';
import { classify, concernsOneCollection } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { RetryingCheckpointStore } from '../records/retrying-checkpoint-store.ts';
import {
  CollectionDropped,
  CollectionMissing,
  type MovedParts,
  onDestination,
  onSource,
  pinTo,
  untilBack,
} from './moved.ts';
import { refusedAgain, type TrackedCollection } from './tracked-collection.ts';

/** The parts of a run that are used here. */
interface IndexKeeperParts extends MovedParts {
  readonly stateChanges: Changes;
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly checkpoint: RetryingCheckpointStore;
}

/** How often a build that the destination refuses is tried again soon, once its collection is live: documents may still be on their way. */
const ATTEMPTS = 20;
const BETWEEN_ATTEMPTS_MS = 500;
/** And how often from then on, while the operator is told. */
const WHEN_STUCK_MS = 30_000;

interface Keeping {
  /** Whether the collection must be looked at once more. */
  again: boolean;
  readonly done: Promise<void>;
  /** Resolves when an attempt was refused. */
  readonly refused: PromiseWithResolvers<void>;
}

/**
 * Keeps the destination's secondary indexes those of the source, in their weakened form.
 *
 * Documents and indexes are each brought over in their current state, not at the same moment. So a document can be of a time when an
 * index was not there yet, or no longer, and be one that the index refuses: such a refusal is not final while things are on their way.
 */
export class IndexKeeper {
  readonly #context: IndexKeeperParts;
  readonly #busy = new Map<TrackedCollection, Keeping>();

  readonly #fail: (error: unknown) => void;

  /** @param fail  ends the migration: a missing index must never go unnoticed, whoever asked for it */
  constructor(context: IndexKeeperParts, fail: (error: unknown) => void) {
    this.#context = context;
    this.#fail = fail;
  }

  /** Whether nothing is being built. */
  get idle(): boolean {
    return this.#busy.size === 0;
  }

  /** Brings a collection's indexes in step, and those changes that come while it does. Of a dropped collection nothing is left to do. */
  async keep(collection: TrackedCollection): Promise<void> {
    await this.#start(collection).done;
  }

  /**
   * The same, but resolves when the first attempt is over, even if it was refused.
   * @returns what ends when the indexes are in step
   */
  async attempt(collection: TrackedCollection): Promise<{ readonly done: Promise<void> }> {
    const { done, refused } = this.#start(collection);
    await Promise.race([done, refused.promise]);
    return { done };
  }

  #start(collection: TrackedCollection): Keeping {
    const running = this.#busy.get(collection);
    if (running !== undefined) {
      running.again = true;
      return running;
    }
    const refused = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => undefined); // `#fail` has seen it.
    const keeping: Keeping = { again: false, done: ended.promise, refused };
    this.#busy.set(collection, keeping);
    this.#keepInStep(collection, keeping).then(ended.resolve, (error: unknown) => {
      this.#fail(error);
      ended.reject(error);
    });
    return keeping;
  }

  async #keepInStep(collection: TrackedCollection, keeping: Keeping): Promise<void> {
    let refusals = 0;
    try {
      do {
        keeping.again = false;
        try {
          await this.#bringInStep(collection);
          collection.indexesStuck = undefined;
        } catch (error) {
          // What ends a run can be a UserError too, and is no refused build.
          this.#context.signal.throwIfAborted();
          if (error instanceof CollectionMissing) {
            keeping.refused.resolve();
            await untilBack(this.#context, collection);
            keeping.again = true;
            continue;
          }
          if (!concernsOneCollection(error)) throw error;
          keeping.refused.resolve();
          if (collection.state === 'live') refusals += 1;
          const isStuck = refusals >= ATTEMPTS;
          if (isStuck) collection.indexesStuck = refusedAgain(collection.indexesStuck, error, this.#context.clock);
          await this.#context.clock.sleep(isStuck ? WHEN_STUCK_MS : BETWEEN_ATTEMPTS_MS, this.#context.signal);
          keeping.again = true;
        }
      } while (keeping.again);
    } catch (error) {
      if (!(error instanceof CollectionDropped)) throw error;
    } finally {
      // In the same breath as the last look at `again`, so that nobody can ask in between.
      this.#busy.delete(collection);
    }
    this.#context.stateChanges.notify();
  }

  async #bringInStep(collection: TrackedCollection): Promise<void> {
    const { source, destination, fence, checkpoint } = this.#context;
    const { sourceDatabase: database } = collection;
    const { collectionUUID: uuid } = pinTo(this.#context, collection);
    const originals = await onSource(this.#context, collection, (name) =>
      listIndexesOf(source, { database, name, uuid }),
    );
    collection.indexes = originals;
    // What they were goes on record before anything weaker is made in their place [11].
    await checkpoint.saveCollection(collection);
    await reach('engine.indexes.recorded');
    await onDestination(this.#context, collection, async (target) => {
      const present = await listIndexesOf(destination, target);
      const isWanted = (spec: IndexSpec) => originals.some((original) => sameButForWeakening(original, spec));
      await reach('engine.indexes.compared');
      for (const spec of present) if (!isWanted(spec)) await dropIndex(fence, target, spec.name);
      const missing = originals.filter((spec) => !present.some((one) => sameButForWeakening(spec, one))).map(weakened);
      const timeSeries = collection.options.has('timeseries');
      const specToCreate = (spec: IndexSpec) => (collection.hasCollation ? inCollation(spec, timeSeries) : spec);
      try {
        await createIndexes(fence, target, missing.map(specToCreate));
      } catch (error) {
        if (classify(error) !== 'fatal') throw error;
        const reason = `its indexes can't be built on the destination: ${messageOf(error)}`;
        throw new UserError('NAMESPACE_CONFLICT', [`${target.database}.${target.name}`, reason], { cause: error });
      }
    });
  }
}
