import type { Document } from 'mongodb';
import { messageOf, UserError } from '../../platform/index.ts';
import type { RawValue } from '../bson/raw-value.ts';
import { createIndexes, modify } from '../catalog/change-catalog.ts';
import { isSameValue } from '../catalog/fields.ts';
import {
  expireAfterSeconds,
  type IndexSpec,
  isPreparedUnique,
  isUnique,
  plainTwins,
  sameButForWeakening,
  weakened,
} from '../catalog/index-spec.ts';
import { canBeWeakened } from '../catalog/lost-properties.ts';
import { confirmName, isOfView, listIndexesOf } from '../catalog/read-catalog.ts';
import type { Migrated } from '../collections/context.ts';
import { specToCreate } from '../collections/index-keeper.ts';
import { isGone, onDestination } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { Slots } from '../concurrency/slots.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import type { Clusters, Pace, Telling } from '../records/context.ts';

/** Commands that change metadata mostly wait for round trips and the majority, and users wait for them. */
const CHANGED_AT_A_TIME = 32;
/** A conversion scans its index. */
const CONVERTED_AT_A_TIME = 8;

const INVALID_OPTIONS = 72;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;
const CANNOT_CONVERT_INDEX_TO_UNIQUE = 359;
/**
 * How servers refuse to change an index that isn't as the engine made it, or that has duplicates, and to make one beside it.
 */
// rule: leave-duplicate-index
const REFUSALS: ReadonlySet<unknown> = new Set([
  INVALID_OPTIONS,
  CANNOT_CONVERT_INDEX_TO_UNIQUE,
  INDEX_OPTIONS_CONFLICT,
  INDEX_KEY_SPECS_CONFLICT,
]);

/**
 * Restores the original properties of weakened indexes from the record (docs/reference/pitfalls.md#pitfall-11), and the
 * expiry of collections. Once the destination is open, its indexes belong to its users, who may have changed or dropped
 * them (docs/adr/0018-the-last-look.md#indexes-of-an-open-destination).
 */

/**
 * Step 1, before the opening: from here on the destination refuses new duplicates, and documents may expire. Both sides
 * are equal and the source enforced uniqueness, so this changes metadata only
 * (docs/reference/mongodb-behaviour.md#fact-8-5).
 * @param collections  those that no other client has changed
 * @returns the number of commands
 */
export async function restoreCatalog(
  context: Clusters & Pace & Telling,
  collections: readonly TrackedCollection[],
): Promise<number> {
  const slots = new Slots(CHANGED_AT_A_TIME);
  const found = collections.map((one) => slots.run(() => changesOf(context, one)));
  const changes = (await Promise.all(found)).flat();
  await Promise.all(
    changes.map(({ collection, change }) =>
      slots.run(() => unlessTheirs(context, collection, change, (target) => modify(context.fence, target, change))),
    ),
  );
  return changes.length;
}

/** A change of a collection or index for `collMod`. */
interface CatalogChange {
  readonly collection: TrackedCollection;
  readonly change: Document;
}

/** Returns the changes that a collection needs. A former source has kept its indexes, so they are listed first. */
async function changesOf(context: Clusters & Pace & Telling, collection: TrackedCollection): Promise<CatalogChange[]> {
  const { destination, isReversed } = context;
  const later = plainTwins(collection.indexes);
  const specs = collection.indexes.filter((spec) => canBeWeakened(spec) && !later.includes(spec));
  const list = (target: WriteTarget) => listIndexesOf(destination, target);
  // rule: list-kept-before-pause
  const listed = isReversed && specs.length > 0 ? await unlessTheirs(context, collection, {}, list) : undefined;
  const present = new Map(listed?.map((spec) => [spec.name, spec]));
  const expiry = expiryOf(collection, isReversed);
  return [
    // rule: users-expiry-before-opening
    ...(expiry === undefined ? [] : [{ expireAfterSeconds: expiry }]),
    ...specs.flatMap((spec) => changesOfIndex(spec, present.get(spec.name) ?? weakened(spec))),
  ].map((change) => ({ collection, change }));
}

/** Returns the changes that an index needs. Servers accept `prepareUnique` only by itself (6.0.5). */
function changesOfIndex(original: IndexSpec, present: IndexSpec): Document[] {
  const { name } = original;
  const refusesDuplicates = (spec: IndexSpec) => isUnique(spec) || isPreparedUnique(spec);
  const expiry = expireAfterSeconds(original);
  const expires = expiry === undefined || isSameValue(expiry, expireAfterSeconds(present));
  return [
    ...(refusesDuplicates(original) && !refusesDuplicates(present) ? [{ index: { name, prepareUnique: true } }] : []),
    ...(expires ? [] : [{ index: { name, expireAfterSeconds: expiry } }]),
  ];
}

/**
 * Returns the expiry that a collection needs on the destination; undefined if it has it already. In the opposite
 * direction, the collection may have kept an expiry that users have switched off since.
 */
function expiryOf({ options }: TrackedCollection, isReversed: boolean): RawValue | 'off' | undefined {
  const canExpire = options.has('clusteredIndex') || options.has('timeseries');
  // rule: users-expiry-off
  return options.get('expireAfterSeconds') ?? (isReversed && canExpire ? 'off' : undefined);
}

/**
 * Step 2, after the opening: makes indexes unique permanently that still are as step 1 left them, and builds those for which
 * they stood.
 */
export async function convertUniqueIndexes(context: Clusters & Pace & Telling & Migrated): Promise<void> {
  const slots = new Slots(CONVERTED_AT_A_TIME);
  const work = [...context.tracked.values()].map(async (collection) => {
    const unique = collection.indexes.filter(isUnique);
    await Promise.all(unique.map((spec) => slots.run(() => convert(context, collection, spec))));
    // rule: build-plain-twins
    if (plainTwins(collection.indexes).length > 0) await slots.run(() => buildTwins(context, collection));
  });
  await Promise.all(work);
}

/** Builds the plain indexes of a collection whose unique twins are converted. */
async function buildTwins(context: Clusters & Pace & Telling, collection: TrackedCollection): Promise<void> {
  const { destination, fence } = context;
  const twins = plainTwins(collection.indexes);
  const change = { createIndexes: twins.map(({ name }) => name) };
  await unlessTheirs(context, collection, change, async (target) => {
    const present = await listIndexesOf(destination, target);
    const left = plainTwins(collection.indexes, present);
    const missing = twins.filter((spec) => !left.includes(spec) && !present.some(({ name }) => name === spec.name));
    await createIndexes(fence, target, missing.map(specToCreate(collection)));
  });
}

/** Converts an index that still has the mark of step 1, `prepareUnique`. An index that users make has it only on purpose. */
async function convert(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  spec: IndexSpec,
): Promise<void> {
  const change = { index: { name: spec.name, unique: true } };
  await unlessTheirs(context, collection, change, async (target) => {
    const listed = await listIndexesOf(context.destination, target);
    const present = listed.find(({ name }) => name === spec.name);
    if (present !== undefined && isUnique(present)) return;
    // rule: leave-rebuilt-index
    const isOwn = present !== undefined && isPreparedUnique(present) && sameButForWeakening(spec, present);
    if (isOwn) await modify(context.fence, target, change);
    else skip(context, target, change, 'the index is not as the engine left it');
  });
}

/**
 * Runs a command on a collection of the destination, unless users have dropped or changed its target.
 * @param change  for the log
 */
async function unlessTheirs<T>(
  context: Clusters & Pace & Telling,
  collection: TrackedCollection,
  change: Document,
  run: (target: WriteTarget) => Promise<T>,
): Promise<T | undefined> {
  return await onDestination(context, collection, async (target) => {
    try {
      return await run(target).catch(async (error: unknown) => {
        if (isOfView(error)) await confirmName(context.destination, target); // Reports where the collection is now.
        throw error;
      });
    } catch (error) {
      // rule: skip-dropped-collections
      if (isGone(error) || REFUSALS.has((error as { readonly code?: unknown }).code)) {
        skip(context, target, change, messageOf(error));
        return undefined;
      }
      if (classify(error) !== 'fatal') throw error;
      const reason = `its indexes and expiry can't be restored on the destination: ${messageOf(error)}`;
      throw new UserError('NAMESPACE_CONFLICT', [`${target.database}.${target.name}`, reason], { cause: error });
    }
  });
}

function skip({ logger }: Telling, target: WriteTarget, change: Document, reason: string): void {
  const namespace = `${target.database}.${target.name}`;
  logger.warn({ event: 'cutover.restore_skipped', namespace, reason, change }, 'Not restored: users have changed it');
}
