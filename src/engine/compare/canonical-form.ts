import { createHash } from 'node:crypto';
import type { Definition } from '../accounts/definition.ts';
import { BSON_TYPE, elementsOf } from '../bson/elements.ts';
import { array, document, rawDocument } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { documentOf, type Fields, fieldsOf } from '../catalog/fields.ts';
import type { IndexSpec } from '../catalog/index-spec.ts';
import { isTrue, numberOf, withEqualNumbers } from '../catalog/legacy-index.ts';
import { withoutFlags } from '../catalog/time-series-flags.ts';

/**
 * Canonical forms: two definitions have the same one exactly when they mean the same to servers. docs/verify/digests.md
 * defines them for programs in other languages.
 */

/** Servers list this for a capped collection whose `max` was removed. */
const NO_MAXIMUM = 2_147_483_647;

type MeansNothing = Readonly<Record<string, (value: RawValue) => boolean>>;

/** Options whose value may mean the same as none. */
const NO_OPTION: MeansNothing = {
  capped: (value) => !isTrue(value),
  max: (value) => numberOf(value) <= 0 || numberOf(value) >= NO_MAXIMUM,
  validator: ({ bytes }) => bytes.length === document().length,
  validationLevel: (value) => textOf(value) === 'strict',
  validationAction: (value) => textOf(value) === 'error',
  changeStreamPreAndPostImages: (value) => !isTrue(fieldsOf(value.bytes).get('enabled')),
};

/** Fields of an index whose value may mean the same as none. Servers since 4.2 ignore `background`. */
const NO_INDEX_OPTION: MeansNothing = {
  background: () => true,
  // rule: ignore-sparse-false
  sparse: (value) => !isTrue(value),
  unique: (value) => !isTrue(value),
  hidden: (value) => !isTrue(value),
  prepareUnique: (value) => !isTrue(value),
};

/** Documents of settings, in which the type of a number means nothing. All others are expressions of users. */
const SETTINGS = ['clusteredIndex', 'collation', 'key', 'timeseries', 'weights'];

/** Arrays of a user or role whose order means nothing. */
const SETS = ['roles', 'privileges', 'authenticationRestrictions'];

/** Fields that distinguish a user from one with the same name that was created later. */
const IDENTITY = ['_id', 'userId'];

/** Returns the canonical form of the options of a collection, time series or view. */
export function canonicalOptions(options: Fields): Fields {
  return canonical(withoutFlags(options), NO_OPTION);
}

/** Returns the canonical form of an index: the form that current servers store, whatever server it came from. */
export function canonicalIndex({ fields }: Pick<IndexSpec, 'fields'>): Fields {
  return canonical(fields, NO_INDEX_OPTION);
}

/** Returns the canonical form of a user or role, with its password verifiers. */
export function canonicalAccount({ bytes }: Pick<Definition, 'bytes'>): Fields {
  const fields = fieldsOf(bytes);
  for (const name of IDENTITY) fields.delete(name);
  for (const name of SETS) {
    const value = fields.get(name);
    if (value !== undefined) fields.set(name, sorted(value));
  }
  return canonical(fields, {});
}

/** Returns the SHA-256 of a canonical form as 64 lowercase hexadecimal digits. */
export function fingerprintOf(form: Fields): string {
  return createHash('sha256').update(documentOf(form)).digest('hex');
}

/** Returns the fields in the order of their names, without those that mean nothing, and with one type for numbers. */
function canonical(fields: Fields, meansNothing: MeansNothing): Fields {
  // rule: one-number-type-in-settings
  const meaning = [...fields]
    .filter(([name, value]) => !meansNothing[name]?.(value))
    .map(([name, value]) => [name, SETTINGS.includes(name) ? withOneNumberType(value) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return fieldsOf(withEqualNumbers(rawDocument(documentOf(new Map(meaning)))).bytes);
}

/** Returns a document of settings whose numbers, at any depth, are doubles where that loses nothing. */
function withOneNumberType(value: RawValue): RawValue {
  if (value.type !== BSON_TYPE.document) return value;
  const fields = [...fieldsOf(value.bytes)].map(([name, inner]) => [name, withOneNumberType(inner)] as const);
  return withEqualNumbers(rawDocument(documentOf(new Map(fields))));
}

function sorted(value: RawValue): RawValue {
  if (value.type !== BSON_TYPE.array) return value;
  const { bytes } = value;
  const values = [...elementsOf(bytes)].map(
    ({ type, valueStart, valueEnd }) => new RawValue(type, bytes.subarray(valueStart, valueEnd)),
  );
  return new RawValue(BSON_TYPE.array, array(values.sort((a, b) => Buffer.compare(a.bytes, b.bytes))));
}

function textOf({ type, bytes }: RawValue): string | undefined {
  return type === BSON_TYPE.string ? bytes.toString('utf8', 4, bytes.length - 1) : undefined;
}
