import { MongoServerError } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { KeyRange } from './document-reader.ts';

/** Reads of a clustered collection that are under way at a time. */
const AT_ONCE = 16;
/** The code of a server for `min` and `max` that are equal by the collation of the collection (tried on 6.0.5). */
const EMPTY_RANGE = 6137401;

/**
 * Reads documents by their keys. For several keys in one command, a server examines the whole of a clustered collection
 * (docs/reference/mongodb-behaviour.md#fact-8-19), so it is asked for each key.
 * @param read  reads what a filter finds
 * @returns what `read` has returned
 */
export async function readByKeys<T>(
  keys: readonly DocumentKey[],
  isClustered: boolean,
  read: (filter: object) => Promise<T>,
): Promise<T[]> {
  const values = keys.map(({ value }) => value);
  // rule: clustered-key-by-key
  if (!isClustered || keys.length === 0)
    return [await read({ _id: { $in: new RawValue(BSON_TYPE.array, array(values)) } })];
  const results: T[] = [];
  for (let from = 0; from < values.length; from += AT_ONCE) {
    const some = values.slice(from, from + AT_ONCE);
    results.push(...(await Promise.all(some.map((value) => read({ _id: { $eq: value } })))));
  }
  return results;
}

/**
 * Returns the parts of a range whose documents, one part after the other, are those of the range, as fields of `find`.
 * A server doesn't use the filter of a range to bound what it examines of a clustered collection; it uses `min` and
 * `max`. The latter excludes the upper bound, so that is a part of its own.
 * @param select  restricts a query to the documents that count
 */
export function partsOfRange(
  range: KeyRange,
  isClustered: boolean,
  select: (query: object) => object = (query) => query,
): readonly object[] {
  const { after, high } = range;
  const find = { filter: select(rangeFilter(range)), sort: { _id: 1 }, hint: { _id: 1 } };
  if (!isClustered) return [find];
  // rule: bounds-of-clustered-range
  const below = { ...find, ...(after && { min: { _id: after.value } }), ...(high && { max: { _id: high.value } }) };
  const isBounded = after !== undefined || high !== undefined;
  const rest = isBounded ? below : { filter: find.filter, sort: find.sort };
  if (high === undefined) return [rest];
  return [rest, { filter: select({ $and: [{ _id: { $eq: high.value } }, rangeFilter({ after })] }) }];
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
