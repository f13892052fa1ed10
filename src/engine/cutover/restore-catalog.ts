import type { Document, MongoClient } from 'mongodb';
import { type Logger, messageOf, UserError } from '../../platform/index.ts';
import type { RawValue } from '../bson/raw-value.ts';
import { modify } from '../catalog/change-catalog.ts';
import { expireAfterSeconds, type IndexSpec, isPreparedUnique, isUnique } from '../catalog/index-spec.ts';
import { confirmName, isOfView } from '../catalog/read-catalog.ts';
import { isGone, type MovedParts, onDestination } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Slots } from '../concurrency/slots.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Fence } from '../mongodb/fence.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';

/** The parts of a run that restoring needs. */
interface RestoreCatalogParts extends MovedParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly logger: Logger;
  readonly tracked: Map<string, TrackedCollection>;
  readonly isReversed: boolean;
}

const AT_A_TIME = 8;

/**
 * Restores the original properties of weakened indexes from the record (docs/reference/pitfalls.md#pitfall-11). Both
 * sides are equal and the source enforced uniqueness, so preparing needs no scan and opens the destination at once; the
 * conversion scans in the background (docs/reference/mongodb-behaviour.md#fact-8-5).
 *
 * Applications use the destination by then, or did when an earlier run restored it. So objects that they have dropped
 * are no conflict.
 */

/** Step 1, inside the write pause: from here on the destination refuses new duplicates. */
export async function prepareUniqueIndexes(context: RestoreCatalogParts): Promise<void> {
  await eachIndex(context, (spec) => isUnique(spec) || isPreparedUnique(spec), { prepareUnique: true });
}

/** Step 2, after the destination is open: unique for good. */
export async function convertUniqueIndexes(context: RestoreCatalogParts): Promise<void> {
  await eachIndex(context, isUnique, { unique: true });
}

/** Step 3, last of all: documents may expire again. */
export async function restoreExpiry(context: RestoreCatalogParts): Promise<void> {
  await eachIndex(
    context,
    (spec) => expireAfterSeconds(spec) !== undefined,
    (spec) => ({ expireAfterSeconds: expireAfterSeconds(spec) }),
  );
  await restoreOwnExpiry(context);
}

/**
 * Gives collections that expire by their own option the expiry of the source. In the opposite direction that also comes
 * before the opening: an earlier expiry would delete documents then.
 */
export async function restoreOwnExpiry(context: RestoreCatalogParts): Promise<void> {
  for (const collection of context.tracked.values()) {
    const expiry = expiryOf(collection, context.isReversed);
    if (expiry === undefined) continue;
    await onDestination(context, collection, (target) =>
      modifyUnlessGone(context, target, { expireAfterSeconds: expiry }),
    );
  }
}

/**
 * Returns the expiry that a collection needs on the destination; undefined if it has it already. In the opposite
 * direction, the collection may have kept an expiry that users have switched off since.
 */
function expiryOf({ options }: TrackedCollection, isReversed: boolean): RawValue | 'off' | undefined {
  const canExpire = options.has('clusteredIndex') || options.has('timeseries');
  return options.get('expireAfterSeconds') ?? (isReversed && canExpire ? 'off' : undefined);
}

type Change = object | ((spec: IndexSpec) => object);

async function eachIndex(
  context: RestoreCatalogParts,
  concerned: (spec: IndexSpec) => boolean,
  change: Change,
): Promise<void> {
  const slots = new Slots(AT_A_TIME);
  const work = [...context.tracked.values()].flatMap((collection) =>
    collection.indexes.filter(concerned).map((spec) => ({ collection, spec })),
  );
  await Promise.all(
    work.map(({ collection, spec }) => slots.run(() => modifyIndex(context, collection, spec, change))),
  );
}

async function modifyIndex(
  context: RestoreCatalogParts,
  collection: TrackedCollection,
  spec: IndexSpec,
  change: Change,
): Promise<void> {
  const fields = typeof change === 'function' ? change(spec) : change;
  await onDestination(context, collection, async (target) => {
    try {
      await modifyUnlessGone(context, target, { index: { name: spec.name, ...fields } });
    } catch (error) {
      if (classify(error) !== 'fatal') throw error;
      const reason = `its index ${spec.name} can't be restored on the destination: ${messageOf(error)}`;
      throw new UserError('NAMESPACE_CONFLICT', [`${target.database}.${target.name}`, reason], { cause: error });
    }
  });
}

async function modifyUnlessGone(context: RestoreCatalogParts, target: WriteTarget, change: Document): Promise<void> {
  try {
    await modify(context.fence, target, change).catch(async (error: unknown) => {
      if (isOfView(error)) await confirmName(context.destination, target); // Reports where the collection is now.
      throw error;
    });
  } catch (error) {
    if (!isGone(error)) throw error;
    const namespace = `${target.database}.${target.name}`;
    context.logger.warn(
      { event: 'cutover.restore_skipped', namespace, reason: messageOf(error), change },
      'Nothing to restore: somebody has dropped it',
    );
  }
}
