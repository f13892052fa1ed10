import type { TrackedCollection } from '../collections/tracked-collection.ts';

/** Whether its documents are always read: each side discards by itself, or its documents are buckets. */
export function isAlwaysRead({ isCapped, options }: TrackedCollection): boolean {
  return isCapped || options.has('timeseries');
}
