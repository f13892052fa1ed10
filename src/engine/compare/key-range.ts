import { MongoServerError } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';

/** The code of a server for `min` and `max` that are equal by the collation of the collection (tried on 6.0.5). */
const EMPTY_RANGE = 6137401;

/** A range of `_id`, in the order of the server. */
export interface KeyRange {
  /** Exclusive; undefined for no bound. */
  readonly after?: DocumentKey | undefined;
  /** Inclusive; undefined for no bound. */
  readonly high?: DocumentKey | undefined;
}

/** The collection that a range is read from. */
interface RangeSource {
  readonly isClustered: boolean;
  /** Whether the server takes a hint, `min` and `max` for a clustered collection: since 6.0. */
  readonly takesHint: boolean;
  /** Restricts a query to the documents that count; all by default. */
  readonly select?: ((query: object) => object) | undefined;
}

/**
 * Returns the parts of a range whose documents, one part after the other, are those of the range, as fields of `find`.
 * A server doesn't use the filter of a range to bound its scan of a clustered collection; it uses `min` and `max`. The
 * latter excludes the upper bound, so that is a part of its own.
 */
export function partsOfRange(
  range: KeyRange,
  { isClustered, takesHint, select = (query) => query }: RangeSource,
): readonly object[] {
  const { after, high } = range;
  const find = { filter: select(rangeFilter(range)), sort: { _id: 1 } };
  const hint = { _id: 1 };
  if (!isClustered) return [{ ...find, hint }];
  // rule: clustered-hint
  if (!takesHint || (after === undefined && high === undefined)) return [find];
  // rule: bounds-of-clustered-range
  const below = {
    ...find,
    hint,
    ...(after && { min: { _id: after.value } }),
    ...(high && { max: { _id: high.value } }),
  };
  if (high === undefined) return [below];
  return [below, { filter: select({ $and: [{ _id: { $eq: high.value } }, rangeFilter({ after })] }) }];
}

/** Returns undefined for the error of a part that has no documents. @throws any other error */
export function ifEmptyPart(error: unknown): undefined {
  if (!(error instanceof MongoServerError) || error.code !== EMPTY_RANGE) throw error;
}

/**
 * Returns the bounds as an expression, which compares across types; a plain comparison would omit ids of other types
 * (docs/reference/pitfalls.md#pitfall-27).
 */
function rangeFilter({ after, high }: KeyRange): object {
  const bounds = [
    ...(after === undefined ? [] : [{ $gt: ['$_id', { $literal: after.value }] }]),
    ...(high === undefined ? [] : [{ $lte: ['$_id', { $literal: high.value }] }]),
  ];
  return bounds.length === 0 ? {} : { $expr: { $and: bounds } };
}
