import type { MongoClient } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { KeyRange } from '../compare/document-reader.ts';
import type { SideEntry } from '../compare/side-catalog.ts';
import { readAll } from '../mongodb/raw-cursor.ts';

/** More ranges wouldn't use more of a server. */
const MOST_RANGES = 64;
/** Sampled keys for each range. A few avoid the most uneven ranges. */
const SAMPLES_PER_RANGE = 10;
/** From 5 % on, `$sample` sorts the whole collection (docs/reference/pitfalls.md#pitfall-30). */
const LARGEST_SAMPLE_SHARE = 0.04;

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
  const size = Math.min(wanted * SAMPLES_PER_RANGE, Math.floor(documents * LARGEST_SAMPLE_SHARE));
  if (wanted < 2 || size < wanted) return [{}];
  const sampled = await readAll(client, database, {
    aggregate: name,
    pipeline: [{ $sample: { size } }, { $project: { _id: 1 } }, { $sort: { _id: 1 } }],
    cursor: {},
    readConcern: { level: 'majority' },
  });
  const bounds = boundsAmong(sampled.map(keyOf), wanted);
  return [...bounds, undefined].map((high, n) => ({ after: bounds[n - 1], high }));
}

function boundsAmong(keys: readonly DocumentKey[], ranges: number): DocumentKey[] {
  const bounds: DocumentKey[] = [];
  for (let n = 1; n < ranges; n += 1) {
    const bound = keys[Math.floor((n * keys.length) / ranges)];
    // A random cursor may return a key twice.
    if (bound !== undefined && bounds.at(-1)?.identity !== bound.identity) bounds.push(bound);
  }
  return bounds;
}
