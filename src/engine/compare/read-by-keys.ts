import type { DocumentKey } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';

/** Reads of a clustered collection that are under way at a time. */
const AT_ONCE = 16;

/**
 * Reads documents by their keys. For several keys in one command, a server examines the whole of a clustered collection
 * (docs/reference/mongodb-behaviour.md#fact-8-19), so it is asked for each key.
 * @param read  reads the documents of a filter
 * @returns the results of `read`
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
