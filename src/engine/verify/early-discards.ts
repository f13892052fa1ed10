import { sidesOf } from '../apply/migrated-sides.ts';
import { decode } from '../bson/decode.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import type { Dispatched } from '../collections/context.ts';
import { CollectionDropped, CollectionMissing } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { keysInOrder } from '../compare/natural-order.ts';
import type { Clusters, Pace } from '../records/context.ts';

const LOOKED_UP_AT_A_TIME = 1_000;
const WITH_PLACE = { _id: 1, place: { $meta: 'recordId' } };

/**
 * Whether a client deleted one of the documents that the destination lost from a capped collection, and no server discarded it.
 * Then the source has it, and it is younger there than the oldest one of the destination. Older ones are discarded early where the
 * source has more than the size of the collection allows (docs/reference/mongodb-behaviour.md#fact-8-20).
 */
export async function wereDeleted(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<boolean> {
  try {
    for (let n = 0; n < keys.length; n += LOOKED_UP_AT_A_TIME)
      if (await hasYounger(context, collection, keys.slice(n, n + LOOKED_UP_AT_A_TIME))) return true;
    return false;
  } catch (error) {
    if (error instanceof CollectionDropped) return false;
    // It may be back, and is not compared then.
    if (error instanceof CollectionMissing) return true;
    throw error;
  }
}

async function hasYounger(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<boolean> {
  const { source, destination } = sidesOf(context, collection);
  const [oldest] = await keysInOrder(destination, 1, 1);
  const asked = oldest === undefined ? keys : [...keys, oldest];
  const { found: places } = await source.readKeys(asked, placeOf, WITH_PLACE);
  const first = oldest && places.get(oldest.identity);
  const isYounger = ({ identity }: DocumentKey) => {
    const place = places.get(identity);
    // rule: discards-are-oldest
    return place !== undefined && (first === undefined || place > first);
  };
  return keys.some(isYounger);
}

/** The place of a document in the natural order of its collection. */
function placeOf(document: Buffer): bigint {
  return decode(document, { useBigInt64: true }).place;
}
