import { sidesOf } from '../apply/migrated-sides.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import type { Dispatched } from '../collections/context.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { type CollectionSide, presentOf } from '../compare/collection-side.ts';
import { NaturalOrder } from '../compare/natural-order.ts';
import { classify } from '../mongodb/failure-policy.ts';
import type { Clusters, Pace } from '../records/context.ts';

const KEYS_AT_A_TIME = 20_000;
const LOOKED_UP_AT_A_TIME = 1_000;
const BETWEEN_LOOKS_MS = 1_000;

/**
 * Whether the documents that both sides of a capped collection have are in the same order, and none between them is missing
 * on one side. Each side discards its oldest documents by itself, and the newest may be under way, so the ends don't count.
 * Reads from the newest to the oldest: discards meanwhile only make it end sooner. Holds one reply of each side at a time.
 * @param isValid  whether the answer still counts
 * @throws CollectionDropped, CollectionMissing
 */
export async function isInOrder(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
  isValid: () => boolean,
): Promise<boolean> {
  const { clock, signal } = context;
  while (true) {
    try {
      return await compareOnce(context, collection, isValid);
    } catch (error) {
      signal.throwIfAborted();
      if (classify(error) !== 'transient') throw error;
    }
    await clock.sleep(BETWEEN_LOOKS_MS, signal);
    signal.throwIfAborted();
  }
}

async function compareOnce(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
  isValid: () => boolean,
): Promise<boolean> {
  const sides = sidesOf(context, collection);
  const options = { batchSize: KEYS_AT_A_TIME, newestFirst: true, onlyKeys: true };
  await using source = new NaturalOrder(sides.source, options);
  await using destination = new NaturalOrder(sides.destination, options);
  const { signal } = context;
  const presentOn = (side: CollectionSide) => async (keys: readonly DocumentKey[]) => {
    signal.throwIfAborted();
    return await presentOf(side, keys);
  };
  const [isOnSource, isOnDestination] = [presentOn(sides.source), presentOn(sides.destination)];
  let [b, a] = [await keyAt(destination), await keyAt(source)];
  // Passes the newest documents that are under way.
  // rule: pass-newest-capped
  if (a && b && a.identity !== b.identity) a = await passAlone(source, isOnDestination, b);
  if (a && b && a.identity !== b.identity) b = await passAlone(destination, isOnSource, a);
  while (a && b && a.identity === b.identity) {
    signal.throwIfAborted();
    if (!isValid()) return false;
    source.pass(1);
    destination.pass(1);
    // rule: forget-compared-keys
    [a, b] = [await keyAt(source), await keyAt(destination)];
  }
  // The other side's documents are all compared, so it has none of the rest.
  if (a === undefined || b === undefined) return true;
  const isAlone = (await passAlone(source, isOnDestination)) === undefined;
  // rule: look-behind-capped-difference
  return isAlone && (await passAlone(destination, isOnSource)) === undefined;
}

/**
 * Passes documents that the other side lacks.
 * @param known  a document that the other side had when it was read
 * @returns the first one that the other side has
 */
async function passAlone(
  order: NaturalOrder,
  isOnOther: (keys: readonly DocumentKey[]) => Promise<ReadonlySet<string>>,
  known?: DocumentKey,
): Promise<DocumentKey | undefined> {
  while ((await order.peek()) !== undefined) {
    const keys = Array.from(order.ahead(LOOKED_UP_AT_A_TIME), keyOf);
    const present = await isOnOther(keys);
    const place = keys.findIndex(({ identity }) => identity === known?.identity || present.has(identity));
    order.pass(place < 0 ? keys.length : place);
    if (place >= 0) return keys[place];
  }
  return undefined;
}

async function keyAt(order: NaturalOrder): Promise<DocumentKey | undefined> {
  const document = await order.peek();
  return document && keyOf(document);
}
