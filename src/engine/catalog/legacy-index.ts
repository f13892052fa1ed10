import { BSON } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { BSON_TYPE, elementsOf } from '../bson/elements.ts';
import { boolean, document, double, element, int32 } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { differingFields, type Fields, isSameValue } from './fields.ts';

/**
 * 68 years: the largest value that servers accept, and the one that they show for values that they don't understand.
 */
const NEVER_SECONDS = 2_147_483_647;

const BOOLEANS = ['unique', 'sparse', 'hidden', 'background', 'prepareUnique'];
/** Servers store no `false` for these options. */
const TRUE_OR_ABSENT = ['unique', 'hidden', 'prepareUnique'];
const INTEGERS = [
  'v',
  'bits',
  'textIndexVersion',
  '2dsphereIndexVersion',
  'finestIndexedLevel',
  'coarsestIndexedLevel',
  'expireAfterSeconds',
];
const DOUBLES = ['min', 'max'];
/** The collation of an index without one. MongoDB 9.0.0 to 9.0.2 list it (https://jira.mongodb.org/browse/SERVER-136162). */
export const SIMPLE_COLLATION = new RawValue(BSON_TYPE.document, Buffer.from(BSON.serialize({ locale: 'simple' })));
/** Options from older servers without effect today. */
const OBSOLETE = ['ns', 'dropDups', 'bucketSize', 'safe', 'seed', 'hashVersion'];
const ONLY_2D = ['bits', 'min', 'max'];
/**
 * The version field of each kind. An index of version 1 without it is from before its kind had versions, so it gets
 * version 1 (server source, expression_params.cpp and fts_spec.cpp). An index of version 2 without it belongs to a time
 * series, for which servers show fewer fields.
 */
const UNVERSIONED = { '2dsphere': '2dsphereIndexVersion', text: 'textIndexVersion' } as const;

/**
 * Returns an index's spec in the form that current servers accept and store unchanged; catalogs keep forms that older
 * servers accepted. The result does the same: the meaning of old values was tried on 6.0.5 and 5.0.4. Keys are
 * converted as `mongorestore --convertLegacyIndexes` does (docs/reference/pitfalls.md#pitfall-13).
 */
export function modernised(original: Fields): Fields {
  const fields = new Map(original);
  for (const name of OBSOLETE) fields.delete(name);
  change(fields, 'key', (key) => asDocument(key, modernDirection));
  change(fields, 'weights', (weights) => asDocument(weights, asInteger));
  for (const name of BOOLEANS) change(fields, name, asBoolean);
  for (const name of TRUE_OR_ABSENT) if (!isTrue(fields.get(name))) fields.delete(name);
  if (fields.has('expireAfterSeconds')) settleExpiry(fields);
  for (const name of INTEGERS) change(fields, name, asInteger);
  for (const name of DOUBLES) change(fields, name, (value) => asNumber(value, BSON_TYPE.double, double));
  const kinds = kindsOf(fields);
  for (const [kind, option] of Object.entries(UNVERSIONED)) {
    if (isVersion1(fields) && kinds.includes(kind) && !fields.has(option))
      fields.set(option, new RawValue(BSON_TYPE.int32, int32(1)));
  }
  if (!kinds.includes('2d')) for (const name of ONLY_2D) fields.delete(name);
  // rule: simple-collation-is-none
  if (fields.get('collation')?.bytes.equals(SIMPLE_COLLATION.bytes)) fields.delete('collation');
  if (fields.get('wildcardProjection')?.bytes.length === document().length) fields.delete('wildcardProjection');
  return fields;
}

/** Returns the changes by modernising that mean something, in words; empty when there are none. */
export function changesOf(original: Fields, modern: Fields): string[] {
  return differingFields(original, modern)
    .filter((name) => name !== 'ns' && name !== 'collation')
    .map((name) => {
      const [before, after] = [original.get(name), modern.get(name)];
      if (after === undefined) return `${name} is left out`;
      return before === undefined
        ? `${name} is ${show(after)}`
        : `${name} is ${show(after)} in place of ${show(before)}`;
    });
}

/** Returns one warning for each index that is migrated in another form than the source has. */
export function modernisedWarnings(
  namespace: string,
  indexes: readonly { readonly name: string; readonly changes: readonly string[] }[],
): UserError[] {
  return indexes
    .filter(({ changes }) => changes.length > 0)
    .map(({ name, changes }) => new UserError('INDEX_MODERNISED', [name, namespace, changes.join(', ')]));
}

/** Returns why no current server makes an equivalent index, in words that follow its name; undefined when one does. */
export function whyNotToday(fields: Fields): string | undefined {
  const expiry = fields.get('expireAfterSeconds');
  // Servers with such an index do expire documents by it, too early.
  if (expiry !== undefined && numberOf(expiry) < 0) return 'whose expireAfterSeconds is below 0';
  const illegal = pathsOf(fields).find((path) => path.split('.').some((part) => !isIndexable(part)));
  if (illegal !== undefined) return `whose key has the field name "${illegal}"`;
  return kindsOf(fields).includes('geoHaystack') ? 'which is a geoHaystack index' : undefined;
}

/**
 * Whether current servers index the name. They refuse empty names, and names with a dollar except those of references
 * and wildcards (tried on 6.0.5).
 */
function isIndexable(part: string): boolean {
  return part !== '' && (!part.startsWith('$') || ['$**', '$id', '$ref', '$db'].includes(part));
}

/** Whether the index has version 1, from before 3.4. */
export function isVersion1(fields: Fields): boolean {
  return fields.get('v')?.bytes.equals(int32(1)) ?? false;
}

/** Whether servers treat the value as true. */
export function isTrue(value: RawValue | undefined): boolean {
  if (value === undefined || value.type === 0x06 || value.type === 0x0a) return false; // Undefined and null.
  if (value.type === BSON_TYPE.boolean) return value.bytes[0] === 1;
  return isNumber(value) ? numberOf(value) !== 0 : true;
}

/** Returns the document with the same bytes for equal numbers. */
export function withEqualNumbers(value: RawValue): RawValue {
  return asDocument(value, (one) => asNumber(one, BSON_TYPE.double, double));
}

/**
 * Gives an expiry the meaning that servers give it. They ignore one on several fields, which is removed here. A value
 * that isn't a number, or is too large, expires nothing, so it becomes the largest one.
 */
function settleExpiry(fields: Map<string, RawValue>): void {
  if ([...elementsOf(fields.get('key')?.bytes ?? document())].length !== 1) {
    fields.delete('expireAfterSeconds');
    return;
  }
  change(fields, 'expireAfterSeconds', (value) =>
    isNumber(value) && numberOf(value) < NEVER_SECONDS ? value : new RawValue(BSON_TYPE.int32, int32(NEVER_SECONDS)),
  );
}

/**
 * Older servers accepted anything as a direction. Every value that is neither negative nor the name of a kind means
 * ascending.
 */
function modernDirection(value: RawValue): RawValue {
  const number = isNumber(value) ? numberOf(value) : Number.NaN;
  const isKind = value.type === BSON_TYPE.string && value.bytes.length > int32(0).length + 1;
  return isKind || number < 0 || number > 0 ? value : new RawValue(BSON_TYPE.int32, int32(1));
}

/** Returns the fields that the spec indexes. */
function pathsOf(fields: Fields): string[] {
  const key = fields.get('key')?.bytes ?? document();
  return [...elementsOf(key)].map(({ name }) => Buffer.from(name, 'latin1').toString());
}

/** Returns the index kinds in the key, which stand in place of directions. */
function kindsOf(fields: Fields): string[] {
  const key = fields.get('key')?.bytes ?? document();
  return [...elementsOf(key)]
    .filter(({ type }) => type === BSON_TYPE.string)
    .map(({ valueStart, valueEnd }) => key.toString('utf8', valueStart + 4, valueEnd - 1));
}

function change(fields: Map<string, RawValue>, name: string, by: (value: RawValue) => RawValue): void {
  const value = fields.get(name);
  if (value === undefined) return;
  const changed = by(value);
  // An unchanged value needs no bytes of its own, and most are.
  if (!isSameValue(value, changed)) fields.set(name, changed);
}

function asDocument(value: RawValue, each: (value: RawValue) => RawValue): RawValue {
  if (value.type !== BSON_TYPE.document) return value;
  const { bytes } = value;
  const elements = [...elementsOf(bytes)].map(({ type, name, valueStart, valueEnd }) => {
    const changed = each(new RawValue(type, bytes.subarray(valueStart, valueEnd)));
    return element(changed.type, name, changed.bytes);
  });
  return new RawValue(BSON_TYPE.document, document(...elements));
}

function asBoolean(value: RawValue): RawValue {
  return new RawValue(BSON_TYPE.boolean, boolean(isTrue(value)));
}

function asInteger(value: RawValue): RawValue {
  return asNumber(value, BSON_TYPE.int32, (number) => int32(Math.trunc(number)));
}

function asNumber(value: RawValue, type: number, bytesOf: (number: number) => Buffer): RawValue {
  if (!isNumber(value) || value.type === type) return value;
  const number = numberOf(value);
  const fits = Math.abs(number) <= NEVER_SECONDS;
  return fits ? new RawValue(type, bytesOf(number)) : value;
}

function isNumber({ type }: RawValue): boolean {
  return (
    type === BSON_TYPE.double || type === BSON_TYPE.int32 || type === BSON_TYPE.int64 || type === BSON_TYPE.decimal128
  );
}

/** Returns the value as a double; NaN when it isn't a number. */
export function numberOf(value: RawValue): number {
  return isNumber(value) ? Number(decodeValue(value, { promoteLongs: true })) : Number.NaN;
}

function show(value: RawValue): string {
  return BSON.EJSON.stringify(decodeValue(value, { promoteValues: false }));
}

function decodeValue({ type, bytes }: RawValue, options: BSON.DeserializeOptions): unknown {
  return decode(document(element(type, 'value', bytes)), options).value;
}
