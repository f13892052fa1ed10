import { failpoint, messageOf, UserError } from '../../platform/index.ts';
import { createIndexes, dropIndex, modify } from '../catalog/change-catalog.ts';
import { isSameValue } from '../catalog/fields.ts';
import {
  expireAfterSeconds,
  type IndexSpec,
  inCollation,
  plainTwins,
  sameButForWeakening,
  stricterFields,
  weakened,
} from '../catalog/index-spec.ts';
import { indexesAndBuildsOf, listIndexesOf } from '../catalog/read-catalog.ts';
import { whyUnknownIndex } from '../catalog/unknown.ts';
import { classify, concernsOneCollection } from '../mongodb/failure-policy.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import { CollectionDropped, CollectionMissing, onDestination, onSource, pinTo, untilBack } from './moved.ts';
import { refusedAgain, type TrackedCollection } from './tracked-collection.ts';

/** Number of quick retries of a rejected build once its collection is live: the documents that it needs may still be in a lane. */
const ATTEMPTS = 20;
const BETWEEN_ATTEMPTS_MS = 500;
/** The pause between later retries, during which progress reports the rejection. */
const WHEN_STUCK_MS = 30_000;

interface Keeping {
  /** Whether the indexes have to be compared once more. */
  again: boolean;
  readonly done: Promise<void>;
  /** Resolves when the destination has rejected an attempt. */
  readonly refused: PromiseWithResolvers<void>;
}

/**
 * Keeps the destination's secondary indexes equal to the source's, in their weakened form.
 *
 * Documents and indexes are migrated in their current states, but not at the same moment. A document may come from a time without the
 * index, so the index rejects it. Such a rejection is not final while changes are on their way.
 */
export class IndexKeeper {
  readonly #context: Clusters & Records & Pace & Telling;
  readonly #busy = new Map<TrackedCollection, Keeping>();

  readonly #fail: (error: unknown) => void;

  /** @param fail  ends the migration, because no caller may ignore a missing index */
  constructor(context: Clusters & Records & Pace & Telling, fail: (error: unknown) => void) {
    this.#context = context;
    this.#fail = fail;
  }

  /** Whether nothing is being built. */
  get idle(): boolean {
    return this.#busy.size === 0;
  }

  /** Brings a collection's indexes in sync, including changes that arrive meanwhile. Returns at once when the collection was dropped. */
  async keep(collection: TrackedCollection): Promise<void> {
    await this.#start(collection).done;
  }

  /**
   * Starts to bring a collection's indexes in sync, and resolves after the first attempt, even a rejected one.
   * @returns `done` resolves when the indexes are in sync
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
    this.#keepInSync(collection, keeping).then(ended.resolve, (error: unknown) => {
      this.#fail(error);
      ended.reject(error);
    });
    return keeping;
  }

  async #keepInSync(collection: TrackedCollection, keeping: Keeping): Promise<void> {
    let refusals = 0;
    try {
      do {
        keeping.again = false;
        try {
          await this.#bringInSync(collection);
          collection.indexesStuck = undefined;
        } catch (error) {
          // The error that ends a run can be a UserError too, and must not count as a rejected build.
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
      // No `await` since `again` was read: a request in between would be lost.
      this.#busy.delete(collection);
    }
    this.#context.stateChanges.notify();
  }

  async #bringInSync(collection: TrackedCollection): Promise<void> {
    const { source, destination, fence, checkpoint, isReversed } = this.#context;
    const { sourceDatabase: database } = collection;
    const { collectionUUID: uuid } = pinTo(this.#context, collection);
    const originals = await onSource(this.#context, collection, (name) =>
      listIndexesOf(source, { database, name, uuid }),
    );
    // rule: refuse-unknown-index-fields
    refuseUnknown(collection, originals);
    const areNone = originals.length === 0 && collection.indexes.length === 0;
    collection.indexes = originals;
    const record = async () => {
      // rule: original-indexes-on-record
      if (!areNone) await checkpoint.saveCollection(collection);
      await failpoint('engine.indexes.recorded');
    };
    await onDestination(this.#context, collection, async (target) => {
      const listing = indexesAndBuildsOf(destination, target);
      // The original definitions must be on record before weaker indexes exist: docs/reference/pitfalls.md#pitfall-11.
      const [{ finished: present, builds }] = await Promise.all([listing, record()]);
      // No `collMod` takes an expiry or uniqueness from an index, so one of a former source is built again.
      const fits = (spec: IndexSpec, original: IndexSpec) =>
        // rule: rebuild-stricter-index
        sameButForWeakening(original, spec) && !(isReversed && stricterFields(spec, original).length > 0);
      // rule: unique-index-first
      const waiting = plainTwins(originals, present);
      const wanted = originals.filter((spec) => !waiting.includes(spec));
      const isWanted = (spec: IndexSpec) => wanted.some((original) => fits(spec, original));
      await failpoint('engine.indexes.compared');
      // An engine that was killed has begun them. They would appear after the cutover, and delay it.
      // rule: end-unwanted-builds
      const unwanted = builds.filter((build) => !build.every(isWanted));
      for (const names of unwanted.map((build) => build.map(({ name }) => name))) await dropIndex(fence, target, names);
      for (const spec of present) if (!isWanted(spec)) await dropIndex(fence, target, spec.name);
      for (const spec of isReversed ? present : []) {
        const original = originals.find((one) => fits(spec, one));
        if (original !== undefined) await this.#takeExpiry(target, spec, original);
      }
      const missing = wanted.filter((spec) => !present.some((one) => fits(one, spec))).map(weakened);
      try {
        await createIndexes(fence, target, missing.map(specToCreate(collection)));
      } catch (error) {
        if (classify(error) !== 'fatal') throw error;
        const reason = `its indexes can't be built on the destination: ${messageOf(error)}`;
        throw new UserError('NAMESPACE_CONFLICT', [`${target.database}.${target.name}`, reason], { cause: error });
      }
    });
  }

  /** Gives an index of a former source the expiry of today. Once that side is open, another one would delete documents. */
  async #takeExpiry(target: WriteTarget, present: IndexSpec, original: IndexSpec): Promise<void> {
    const [before, expiry] = [expireAfterSeconds(present), expireAfterSeconds(original)];
    // rule: users-expiry-of-index
    if (before === undefined || expiry === undefined || isSameValue(before, expiry)) return;
    await modify(this.#context.fence, target, { index: { name: present.name, expireAfterSeconds: expiry } });
  }
}

/** Returns the function that converts an index to a specification for `createIndexes` in this collection. */
export function specToCreate({ hasCollation, options }: TrackedCollection): (spec: IndexSpec) => IndexSpec {
  return (spec) => (hasCollation ? inCollation(spec, options.has('timeseries')) : spec);
}

/** Refuses an index before it is built in a weakened form: a field that no rule knows may delete documents, too. */
function refuseUnknown({ namespace }: TrackedCollection, originals: readonly IndexSpec[]): void {
  for (const original of originals) {
    const why = whyUnknownIndex(original);
    if (why !== undefined)
      throw new UserError('NAMESPACE_CONFLICT', [namespace, `it has the index ${original.name}, ${why}`]);
  }
}
