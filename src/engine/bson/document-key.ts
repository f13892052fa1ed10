import { BSON, Decimal128 } from 'mongodb';
import { BSON_TYPE, elementNamed, elementsOf } from './elements.ts';
import { HASH_SEED, hashByte, hashBytes } from './hash.ts';
import { document, element } from './raw-document.ts';
import { RawValue } from './raw-value.ts';

/** Characters of a key in a message. */
const LONGEST_SHOWN = 200;

/**
 * The `_id` of a document as bytes. Two keys are the same here only when their bytes are; the server also takes numbers of
 * different types as equal, which is why equal numbers must share a lane (`laneHash`) and why deletes go before upserts [28].
 */
export interface DocumentKey {
  readonly value: RawValue;
  /** Type and value, one character a byte: a map key. */
  readonly identity: string;
}

/** The key of a document (or of a change event's `documentKey`). @throws RangeError when it has no `_id` */
export function keyOf(bytes: Buffer): DocumentKey {
  const id = elementNamed(bytes, '_id');
  if (id === undefined) throw new RangeError('Document has no _id');
  return keyFromValue(id.type, bytes.subarray(id.valueStart, id.valueEnd));
}

/** A key from its stored form, see `keyBytes`. */
export function keyFromBytes(bytes: Buffer): DocumentKey {
  return keyFromValue(bytes[0] ?? 0, bytes.subarray(1));
}

/** The key's type byte and value, for storing it in a binary field. */
export function keyBytes(key: DocumentKey): Buffer {
  return Buffer.concat([Buffer.from([key.value.type]), key.value.bytes]);
}

function keyFromValue(type: number, bytes: Buffer): DocumentKey {
  return { value: new RawValue(type, bytes), identity: String.fromCharCode(type) + bytes.toString('latin1') };
}

/** A hash that is equal for all keys that the server takes as equal under simple collation. Unequal keys may share it. */
export function laneHash(key: DocumentKey): number {
  return hashValue(HASH_SEED, key.value.type, key.value.bytes) >>> 0;
}

function hashValue(seed: number, type: number, bytes: Buffer): number {
  if (type === BSON_TYPE.document || type === BSON_TYPE.array) {
    let hash = hashByte(seed, type);
    for (const { type: inner, valueStart, valueEnd } of elementsOf(bytes)) {
      hash = hashValue(hash, inner, bytes.subarray(valueStart, valueEnd));
    }
    return hash;
  }
  const number = numberOf(type, bytes);
  if (number === undefined) return hashBytes(hashByte(seed, type), bytes);
  const canonical = Buffer.allocUnsafe(8);
  canonical.writeDoubleLE(Number.isNaN(number) ? Number.NaN : number + 0); // -0 + 0 is 0
  return hashBytes(seed, canonical);
}

/** The nearest double of a number; equal numbers of any type have the same one. */
function numberOf(type: number, bytes: Buffer): number | undefined {
  switch (type) {
    case BSON_TYPE.double:
      return bytes.readDoubleLE(0);
    case BSON_TYPE.int32:
      return bytes.readInt32LE(0);
    case BSON_TYPE.int64:
      return Number(bytes.readBigInt64LE(0));
    case BSON_TYPE.decimal128:
      return Number(new Decimal128(bytes).toString());
    default:
      return undefined;
  }
}

/** The key as a person reads it, for messages only. */
export function describeKey(key: DocumentKey): string {
  const bytes = document(element(key.value.type, '_id', key.value.bytes));
  const text = BSON.EJSON.stringify(BSON.deserialize(bytes, { validation: { utf8: false } })._id);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
