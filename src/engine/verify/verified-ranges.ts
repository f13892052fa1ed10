import type { Binary, UUID } from 'mongodb';
import type { PartitionRecord } from '../records/records.ts';
import type { VerifiedRangeRecord } from '../records/verification-records.ts';

/** A range of a collection's full comparison, as far as it has come. */
export type VerifiedRange = { -readonly [K in keyof VerifiedRangeRecord]: VerifiedRangeRecord[K] };

/**
 * Plans the ranges of a full comparison: those of the copy, extended to all keys. Documents that were inserted later,
 * or that only the destination has, may be outside of the copied ranges.
 */
export function planRanges(m: string, u: UUID, partitions: readonly PartitionRecord[]): VerifiedRange[] {
  const bounds = partitions.slice(0, -1).map(({ high }) => high);
  // rule: compare-behind-last-key
  return [...bounds, null].map((high, n) => ({
    _id: { m, u, n },
    low: bounds[n - 1] ?? null,
    high,
    comparedTo: null,
    documents: 0,
    bytes: 0,
    done: false,
  }));
}

/**
 * Whether the ranges cover all keys. A kill while they were written, or removed, leaves some of them.
 * @param ranges  of one collection, in order
 */
export function coverAll(ranges: readonly VerifiedRangeRecord[]): boolean {
  if (ranges.length === 0 || ranges.at(-1)?.high !== null) return false;
  // rule: refuse-missing-ranges
  return ranges.every(({ _id, low }, n) => _id.n === n && isSame(low, ranges[n - 1]?.high ?? null));
}

function isSame(a: Binary | null, b: Binary | null): boolean {
  return a === null || b === null ? a === b : a.toString('hex') === b.toString('hex');
}
