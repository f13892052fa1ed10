import type { RawValue } from '../bson/raw-value.ts';
import { differingFields, documentOf, type Fields, fieldsOf } from './fields.ts';
import { changesOf, isTrue, isVersion1, modernised, SIMPLE_COLLATION, withEqualNumbers } from './legacy-index.ts';

export interface IndexSpec {
  readonly name: string;
  /** In the form that current servers accept. */
  readonly fields: Fields;
  /** As `listIndexes` returns it. */
  readonly original: Fields;
  /** How the two differ, in words; usually empty. */
  readonly changes: readonly string[];
}

/** Reads a spec; undefined for the `_id` index, which every collection has anyway, and for a clustered one. */
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

export function isSparse(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('sparse'));
}

export function isPreparedUnique(spec: IndexSpec): boolean {
  return isTrue(spec.fields.get('prepareUnique'));
}

export function expireAfterSeconds(spec: IndexSpec): RawValue | undefined {
  return spec.fields.get('expireAfterSeconds');
}

/**
 * Returns the form that an index has on the destination until the cutover. It is not unique, because keys are written
 * in another order than on the source (docs/reference/pitfalls.md#pitfall-10). It has no expiry: even the longest one,
 * 68 years, removes a document dated 1950. `collMod` can add an expiry wherever `createIndexes` could (6.0.5, every
 * kind of index and collection).
 */
export function weakened(spec: IndexSpec): IndexSpec {
  const fields = new Map(spec.fields);
  fields.delete('unique');
  fields.delete('prepareUnique');
  // rule: silence-expiry
  fields.delete('expireAfterSeconds');
  return { ...spec, fields };
}

/**
 * Returns the fields by which an index refuses or deletes documents that another one of the same name keeps. A different
 * expiry is not among them, because it can be changed.
 */
export function stricterFields(spec: IndexSpec, than: IndexSpec): readonly string[] {
  const isStricter: Readonly<Record<string, boolean>> = {
    // rule: keep-looser-index
    unique: isUnique(spec) && !isUnique(than),
    prepareUnique: isPreparedUnique(spec) && !isPreparedUnique(than) && !isUnique(than),
    expireAfterSeconds: expireAfterSeconds(spec) !== undefined && expireAfterSeconds(than) === undefined,
  };
  return Object.keys(isStricter).filter((name) => isStricter[name]);
}

/** Whether two indexes differ only in fields that weakening changes. */
export function sameButForWeakening(a: IndexSpec, b: IndexSpec): boolean {
  return differingFields(weakened(a).fields, weakened(b).fields).length === 0;
}

/**
 * Returns the spec for `createIndexes` in a collection with a collation. An index without a collation must name the
 * simple one. Two kinds must not: version 1 has no other, and a partial index of a time series takes its collection's.
 */
export function inCollation(spec: IndexSpec, timeSeries: boolean): IndexSpec {
  const fields = new Map(spec.fields);
  if (timeSeries && fields.has('partialFilterExpression')) fields.delete('collation');
  else if (!fields.has('collation') && !isVersion1(fields)) fields.set('collation', SIMPLE_COLLATION);
  return { ...spec, fields };
}

/**
 * Returns the indexes that differ from a unique one of the same collection by nothing but that and an expiry. In the
 * weakened form a server takes the two as one, so the unique one stands for both until the cutover has converted it.
 * @param present  the indexes of the destination: one whose unique twin is unique there can be built, and isn't returned
 */
export function plainTwins(specs: readonly IndexSpec[], present: readonly IndexSpec[] = []): readonly IndexSpec[] {
  const converted = new Set(present.filter(isUnique).map(({ name }) => name));
  const unique = specs.filter((spec) => isUnique(spec) && !converted.has(spec.name));
  if (unique.length === 0) return [];
  const waiting = new Set(unique.map(({ fields }) => identityOf(fields)));
  return specs.filter((spec) => !isUnique(spec) && waiting.has(identityOf(spec.fields)));
}

/**
 * Returns the names of two indexes that a server treats as one in their modern form, and refuses
 * (docs/reference/pitfalls.md#pitfall-11); undefined when there are none.
 */
export function findTwins(specs: readonly IndexSpec[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const spec of specs) {
    const { name, fields } = spec;
    const identity = `${isUnique(spec)} ${identityOf(fields)}`;
    const twin = seen.get(identity);
    if (twin !== undefined) return [twin, name];
    seen.set(identity, name);
  }
  return undefined;
}

/**
 * Returns the fields that distinguish non-unique indexes (server source, IndexDescriptor::compareIndexOptions); 1 and
 * 1.0 are the same direction.
 */
function identityOf(fields: Fields): string {
  const key = fields.get('key');
  const others = ['collation', 'partialFilterExpression', 'wildcardProjection', 'sparse'].flatMap((name) => {
    const value = fields.get(name);
    return value === undefined || (name === 'sparse' && !isTrue(value)) ? [] : [[name, value] as const];
  });
  const all = new Map([...(key === undefined ? [] : [['key', withEqualNumbers(key)] as const]), ...others]);
  return documentOf(all).toString('latin1');
}
