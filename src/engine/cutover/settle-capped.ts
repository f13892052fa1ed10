import { sidesOf } from '../apply/migrated-sides.ts';
import { type DocumentKey, keyBytes } from '../bson/document-key.ts';
import type { Dispatched, Migrated, RunContext } from '../collections/context.ts';
import { CollectionDropped } from '../collections/moved.ts';
import { markSuspect } from '../collections/suspicion.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type BothSides, presentOf } from '../compare/collection-side.ts';
import { keysInOrder } from '../compare/natural-order.ts';
import { orAbort } from '../concurrency/unless-aborted.ts';
import { writeBarrier } from '../mongodb/cluster-time.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace, Records, Telling } from '../records/context.ts';
import type { RunningStream } from './running-stream.ts';

/** A comparison of the ends of capped collections, once no client writes. */
export interface CappedEnds {
  /** The number of collections whose ends were compared. */
  readonly compared: number;
  /** Those that differ and have to be copied again. */
  readonly again: readonly TrackedCollection[];
  /** Those of which the destination has discarded more of the oldest documents than the source, also after a second copy. */
  readonly shorter: readonly TrackedCollection[];
  /** Those whose order has to be compared before. */
  readonly unordered: readonly TrackedCollection[];
}

/** The documents of a collection whose whole order is compared in the write pause where it is not sure. */
const MOST_IN_PAUSE = 1_000;

/** Some collections differed. They are copied again while users write. */
export class CappedDiffer extends NotNow {
  readonly collections: readonly TrackedCollection[];

  constructor(collections: readonly TrackedCollection[]) {
    const [first] = collections;
    const more = collections.length - 1;
    super(
      `${first?.namespace}${more > 0 ? ` and ${more} more` : ''}: a capped collection differs on the destination, and is copied again while users write`,
    );
    this.collections = collections;
  }
}

/**
 * Puts capped collections in order while users write. Compares all keys of those where documents in the middle may be in
 * other places (docs/adr/0015-equal-keys.md), or where writes of other clients on the destination would not be seen.
 * Those that differ are copied again. When it returns, the destination has everything that users wrote until then.
 * @throws CollectionMissing when the source's server doesn't have one
 */
export async function orderCapped(context: RunContext, stream: RunningStream): Promise<void> {
  const { verification } = stream;
  // rule: capped-order-unverified
  const unsure = cappedOf(context).filter(({ reordered }) => reordered || !verification.seesOthers);
  if (unsure.length === 0) return;
  const differing: TrackedCollection[] = [];
  for (const collection of unsure) {
    const { reorders } = collection;
    // rule: capped-order-compared
    const isInOrder = await orAbort(unlessDropped(verification.isInOrder(collection)), context.signal);
    if (isInOrder === false) differing.push(collection);
    // rule: reordered-while-compared
    if (isInOrder === true && collection.reorders === reorders) collection.reordered = false;
  }
  await copyCappedAgain(context, differing);
  await stream.inStepAt(await context.retrier.run('the source', () => writeBarrier(context.source)), context.signal);
}

/**
 * Compares the ends of capped collections once no client writes. Each side discards documents at its old end by itself. That
 * takes four small reads of each collection, whatever its size: the rest was compared before, and is unchanged since.
 * @throws CollectionMissing when the source's server doesn't have one
 */
export async function compareCappedEnds(context: Clusters & Pace & Migrated & Dispatched): Promise<CappedEnds> {
  const capped = cappedOf(context);
  const compare = async (collection: TrackedCollection) => {
    const sides = sidesOf(context, collection);
    const result = await compareEnds(sides);
    // rule: copied-once-for-ends
    if (result === 'shorter' && !collection.copiedAgain) return 'different';
    // rule: small-order-in-pause
    return collection.reordered && result !== 'different' ? await compareSmall(context, sides, result) : result;
  };
  // Doesn't wait for an answer: a silent server is found out only after 15 s.
  const results = await orAbort(Promise.all(capped.map(compare)), context.signal);
  const those = (wanted: EndsResult) => capped.filter((_, n) => results[n] === wanted);
  return {
    compared: capped.length,
    again: those('different'),
    shorter: those('shorter'),
    unordered: those('unordered'),
  };
}

/**
 * Decides by the ends, in the write pause, whether the capped collections are those of the source.
 * @returns the namespaces on the source of those that lack some of the oldest documents: the source has more than the size
 * allows, and a second copy ended like the first (docs/reference/mongodb-behaviour.md#fact-8-20)
 * @throws CappedDiffer, CollectionMissing
 */
export async function settleCapped(context: Clusters & Pace & Migrated & Dispatched): Promise<readonly string[]> {
  const { again, shorter, unordered } = await compareCappedEnds(context);
  // rule: differing-ends-end-pause
  if (again.length > 0) throw new CappedDiffer(again);
  const [first] = unordered;
  // rule: reordered-ends-pause
  if (first !== undefined)
    throw new NotNow(
      `${first.namespace}: documents of the capped collection changed their places, and are compared again`,
    );
  return shorter.map(({ namespace }) => namespace);
}

/** Copies capped collections again while users write, like those that may have missed changes. On record when it returns. */
export async function copyCappedAgain(
  context: Records & Telling & Migrated,
  collections: readonly TrackedCollection[],
): Promise<void> {
  if (collections.length === 0) return;
  for (const collection of collections) {
    collection.copiedAgain = true;
    const { namespace } = collection;
    context.logger.info({ event: 'cutover.capped_copied_again', namespace }, 'Copying the capped collection again');
  }
  await markSuspect(context, (collection) => collections.includes(collection));
}

function cappedOf({ tracked }: Migrated): TrackedCollection[] {
  return [...tracked.values()].filter(({ isCapped }) => isCapped);
}

type EndsResult = 'equal' | 'shorter' | 'different' | 'unordered';

async function compareEnds({ source, destination }: BothSides): Promise<EndsResult> {
  const [[newest], [newestThere], [oldest], [oldestThere]] = await Promise.all([
    keysInOrder(source, -1, 1),
    keysInOrder(destination, -1, 1),
    keysInOrder(source, 1, 1),
    keysInOrder(destination, 1, 1),
  ]);
  if (!isSame(newest, newestThere)) return 'different';
  if (isSame(oldest, oldestThere)) return 'equal';
  const isOnSource = oldestThere && (await presentOf(source, [oldestThere])).size > 0;
  return isOnSource ? 'shorter' : 'different';
}

/**
 * Decides by all keys of a small collection. Where users delete documents and insert them again all the time, its order is
 * never sure before the block.
 * @param ends  the result for its ends
 */
async function compareSmall(
  { retrier }: Pace,
  { source, destination }: BothSides,
  ends: EndsResult,
): Promise<EndsResult> {
  const newest = MOST_IN_PAUSE + 1;
  const [keys, there] = await Promise.all([
    retrier.run('the source', () => keysInOrder(source, -1, newest)),
    retrier.run('the destination', () => keysInOrder(destination, -1, newest)),
  ]);
  if (Math.max(keys.length, there.length) > MOST_IN_PAUSE) return 'unordered';
  return there.every((key, place) => isSame(key, keys[place])) ? ends : 'different';
}

function isSame(a: DocumentKey | undefined, b: DocumentKey | undefined): boolean {
  return a === undefined || b === undefined ? a === b : keyBytes(a).equals(keyBytes(b));
}

/** @returns undefined when the source has dropped the collection */
async function unlessDropped(comparing: Promise<boolean>): Promise<boolean | undefined> {
  return await comparing.catch((error: unknown) => {
    if (error instanceof CollectionDropped) return undefined;
    throw error;
  });
}
