import type { MongoClient } from 'mongodb';
import { collectionSize } from '../catalog/read-catalog.ts';
import { sampleBounds } from '../catalog/sample-bounds.ts';
import type { KeyRange } from '../compare/key-range.ts';
import type { SideEntry } from '../compare/side-catalog.ts';

/** More ranges wouldn't use more of a server. */
const MOST_RANGES = 64;

/**
 * Cuts a collection into ranges of `_id` that are read at the same time. They cover every `_id` that there can be, so
 * they don't depend on when the bounds were sampled.
 * @param rangeBytes  the target size of a range
 */
export async function keyRanges(
  client: MongoClient,
  { database, name, options }: SideEntry,
  rangeBytes: number,
): Promise<KeyRange[]> {
  // The order of a capped collection has one reader.
  if (options.has('capped')) return [{}];
  const { bytes, documents } = await collectionSize(client, database, name);
  const wanted = Math.min(MOST_RANGES, Math.ceil(bytes / rangeBytes));
  const fields = { readConcern: { level: 'majority' } };
  const bounds = await sampleBounds(client, { database, name, documents, ranges: wanted, fields });
  return [...bounds, undefined].map((high, n) => ({ after: bounds[n - 1], high }));
}
