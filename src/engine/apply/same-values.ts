import type { Document } from 'mongodb';
import { BSON_TYPE, elementNamed, elementsOf } from '../bson/elements.ts';
import { rawDocument } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import type { RefusedDocument } from './unique-conflict.ts';

/**
 * Returns a query for documents with the values of a refused one in the fields of an index. Reads the values from its
 * bytes: the driver refuses invalid UTF-8, and makes a DBRef of a part that looks like one. May match other documents,
 * too: those beside a partial index, and where arrays combine the values of several fields in other ways.
 */
export function sameValues({ document, keyPattern, keyValue }: RefusedDocument): Document {
  const whole = rawDocument(document);
  const fields = Object.keys(keyPattern).map((path) => ({ $or: conditions(whole, path, keyValue[path]) }));
  return { $and: fields };
}

/**
 * Returns the conditions for one field, one of which a holder meets.
 * @param indexed  what the index has there. The query takes the values from the document, because an index with a
 * collation has other strings
 */
function conditions(document: RawValue, path: string, indexed: unknown): Document[] {
  if (indexed === undefined) return [{ [path]: { $eq: [] } }, { [path]: { $type: 'undefined' } }];
  const names = path.split('.').map((name) => Buffer.from(name).toString('latin1'));
  const values = indexed === null ? [] : valuesAt(document, names).filter(isQueried);
  if (values.length === 0) return lacking(path);
  return values.map((value) => ({ [path]: { $eq: value } }));
}

/**
 * An index has null for a field that is missing, and so it has for elements of an array that aren't documents, and for an
 * empty array on the way. A query for null doesn't match those.
 */
function lacking(path: string): Document[] {
  const names = path.split('.');
  const parents = names.slice(1).map((_, n) => names.slice(0, n + 1).join('.'));
  const inArrays = parents.flatMap((parent) => [
    { [parent]: { $size: 0 } },
    { [parent]: { $elemMatch: { $not: { $type: 'object' } } } },
  ]);
  // rule: missing-field-in-arrays
  return [{ [path]: { $eq: null } }, ...inArrays];
}

/** Servers refuse to compare with undefined. Null would match documents that lack the field, and is not the value in the way. */
function isQueried({ type }: RawValue): boolean {
  return type !== BSON_TYPE.undefined && type !== BSON_TYPE.null;
}

/**
 * Returns the values that an index has for a path: also each document in an array on the way, and each element of one
 * at its end.
 * @param names  as `elementsOf` gives them
 */
function valuesAt(value: RawValue, names: readonly string[]): RawValue[] {
  const [name, ...rest] = names;
  const isArray = value.type === BSON_TYPE.array;
  if (name === undefined) return isArray ? [value, ...elementsIn(value)] : [value];
  if (!isArray && value.type !== BSON_TYPE.document) return [];
  const named = elementNamed(value.bytes, name);
  const values = named === undefined ? [] : valuesAt(partOf(value, named), rest);
  if (!isArray) return values;
  const documents = elementsIn(value).filter(({ type }) => type === BSON_TYPE.document);
  // rule: unique-values-in-arrays
  return [...values, ...documents.flatMap((one) => valuesAt(one, names))];
}

function elementsIn(array: RawValue): RawValue[] {
  return Array.from(elementsOf(array.bytes), (element) => partOf(array, element));
}

function partOf(
  { bytes }: RawValue,
  { type, valueStart, valueEnd }: { type: number; valueStart: number; valueEnd: number },
): RawValue {
  return new RawValue(type, bytes.subarray(valueStart, valueEnd));
}
