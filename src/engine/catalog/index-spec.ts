import { BSON } from 'mongodb';
import { BSON_TYPE } from '../bson/elements.ts';
import { RawValue } from '../bson/raw-value.ts';
import { differingFields, documentOf, type Fields, fieldsOf } from './fields.ts';
import { changesOf, isTrue, isVersion1, modernised, withEqualNumbers } from './legacy-index.ts';

export interface IndexSpec {
  readonly name: string;
  /** In the form that servers of today take. */
  readonly fields: Fields;
  /** As `listIndexes` shows it. */
  readonly original: Fields;
  /** How the two differ, in words; empty as a rule. */
  readonly changes: readonly string[];
}

/** Reads a spec; undefined for the `_id` index, which every collection has by itself, or the clustered one. */
export function readIndexSpec(bytes: Buffer): IndexSpec | undefined {
  const original = fieldsOf(bytes);
  const name = original.get('name');
  if (name === undefined) throw new RangeError('Index without a name');
  const text = name.bytes.toString('utf8', 4, name.bytes.length - 1);
  if (text === '_id_' || original.has('clustered')) return undefined;
  const fields = modernised(original);
  return { name: text, fields, original, changes: changesOf(original, fields) };
}

export function isUnique(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('unique'));
}

export function isPreparedUnique(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('prepareUnique'));
}

export function expireAfterSeconds(spec: IndexSpec): RawValue | undefined {
  return spec.fields.get('expireAfterSeconds');
}

/**
 * The form in which an index lives on the destination until cutover: not unique, since keys are written in another order than on
 * the source [10], and without expiry [12]: the longest there is, 68 years, still removes a document dated 1950. `collMod` makes an index
 * expire documents wherever `createIndexes` could have (6.0.5, every kind of index and collection).
 */
export function weakened(spec: IndexSpec): IndexSpec {
  const fields = new Map(spec.fields);
  fields.delete('unique');
  fields.delete('prepareUnique');
  fields.delete('expireAfterSeconds');
  return { ...spec, fields };
}

/** Whether two indexes are the same but for what weakening changes. */
export function sameButForWeakening(a: IndexSpec, b: IndexSpec): boolean {
  return differingFields(weakened(a).fields, weakened(b).fields).length === 0;
}

/**
 * What makes an index in a collection with a collation. One without has the simple one, which has to be said; but version 1 can have no other
 * and must not say so, and neither must a partial index of a time series, which has that of its collection.
 */
export function inCollation(spec: IndexSpec, timeSeries: boolean): IndexSpec {
  const fields = new Map(spec.fields);
  if (timeSeries && fields.has('partialFilterExpression')) fields.delete('collation');
  else if (!fields.has('collation') && !isVersion1(fields)) {
    const simple = Buffer.from(BSON.serialize({ locale: 'simple' }));
    fields.set('collation', new RawValue(BSON_TYPE.document, simple));
  }
  return { ...spec, fields };
}

/**
 * The names of two indexes that would be one and the same to a server in their weakened form, which it refuses [11]; undefined when there
 * are none.
 */
export function findTwins(specs: readonly IndexSpec[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const { name, fields } of specs) {
    const identity = identityOf(fields).toString('latin1');
    const twin = seen.get(identity);
    if (twin !== undefined) return [twin, name];
    seen.set(identity, name);
  }
  return undefined;
}

/** What tells indexes apart that are not unique (server source, IndexDescriptor::compareIndexOptions); 1 and 1.0 are the same direction. */
function identityOf(fields: Fields): Buffer {
  const key = fields.get('key');
  const others = ['collation', 'partialFilterExpression', 'wildcardProjection', 'sparse'].flatMap((name) => {
    const value = fields.get(name);
    return value === undefined || (name === 'sparse' && !isTrue(value)) ? [] : [[name, value] as const];
  });
  return documentOf(new Map([...(key === undefined ? [] : [['key', withEqualNumbers(key)] as const]), ...others]));
}
