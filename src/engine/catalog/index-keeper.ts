import { messageOf, reach, UserError } from '../../platform/index.ts';
import { classify } from '../cluster/failure-policy.ts';
import { CollectionDropped, onDestination, onSource } from '../cluster/moved.ts';
import type { EngineContext } from '../lifecycle/context.ts';
import { createIndexes, dropIndex } from './change-catalog.ts';
import { type IndexSpec, sameButForWeakening, weakened } from './index-spec.ts';
import { listIndexes } from './read-catalog.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/** Keeps the destination's secondary indexes those of the source, in their weakened form. */
export class IndexKeeper {
  readonly #context: EngineContext;
  /** Collections being worked on; true when they must be looked at once more. */
  readonly #busy = new Map<TrackedCollection, { again: boolean; done: Promise<void> }>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Whether nothing is being built. */
  get idle(): boolean {
    return this.#busy.size === 0;
  }

  /** Brings a collection's indexes in step, and those changes that come while it does. Of a dropped collection nothing is left to do. */
  async keep(collection: TrackedCollection): Promise<void> {
    const running = this.#busy.get(collection);
    if (running !== undefined) {
      running.again = true;
      await running.done;
      return;
    }
    const state = { again: false, done: Promise.resolve() };
    this.#busy.set(collection, state);
    state.done = this.#keepInStep(collection, state);
    await state.done;
  }

  async #keepInStep(collection: TrackedCollection, state: { again: boolean }): Promise<void> {
    try {
      do {
        state.again = false;
        await this.#bringInStep(collection);
      } while (state.again);
    } catch (error) {
      if (!(error instanceof CollectionDropped)) throw error;
    } finally {
      // In the same breath as the last look at `again`, so that nobody can ask in between.
      this.#busy.delete(collection);
    }
  }

  async #bringInStep(collection: TrackedCollection): Promise<void> {
    const { source, destination, checkpoint } = this.#context;
    const originals = await onSource(this.#context, collection, async (name) => {
      const specs = await listIndexes(source, collection.database, name);
      // `listIndexes` can't be pinned to a UUID, so it is made sure afterwards that the name was still this collection's.
      await source
        .db(collection.database)
        .command({ find: name, limit: 1, projection: { _id: 1 }, collectionUUID: collection.uuid });
      return specs;
    });
    collection.indexes = originals;
    // What they were goes on record before anything weaker is made in their place [11].
    await this.#context.retrier.run('the destination', () =>
      checkpoint.saveCollection(collection.toRecord(checkpoint.migrationId)),
    );
    await reach('engine.indexes.recorded');
    await onDestination(this.#context, collection, async ({ database, name }) => {
      const present = await listIndexes(destination, database, name);
      const isWanted = (spec: IndexSpec) => originals.some((original) => sameButForWeakening(original, spec));
      for (const spec of present) if (!isWanted(spec)) await dropIndex(destination, database, name, spec.name);
      const missing = originals.filter((spec) => !present.some((one) => sameButForWeakening(spec, one))).map(weakened);
      try {
        await createIndexes(destination, database, name, missing);
      } catch (error) {
        if (classify(error) === 'transient') throw error;
        const reason = `its indexes can't be built on the destination: ${messageOf(error)}`;
        throw new UserError('NAMESPACE_CONFLICT', [`${database}.${name}`, reason], { cause: error });
      }
    });
  }
}
