import { BSON } from 'mongodb';
import { decode } from './decode.ts';
import { elementNamed } from './elements.ts';
import { HASH_SEED, hashByte } from './hash.ts';
import { identityOf } from './key-identity.ts';
import { document, element } from './raw-document.ts';
import { RawValue } from './raw-value.ts';

/** Characters of a key in a message. */
const LONGEST_SHOWN = 200;

/** The `_id` of a document as bytes, and as what a server takes it for: keys with other bytes may be the same one to it [28]. */
export interface DocumentKey {
  readonly value: RawValue;
  /** Equal for two keys exactly when a server takes them as equal under simple collation: a map key. */
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
  return { value: new RawValue(type, bytes), identity: identityOf(type, bytes) };
}

/** A hash that is the same for all keys of one identity. Others may share it. */
export function laneHash({ identity }: DocumentKey): number {
  let hash = HASH_SEED;
  for (let index = 0; index < identity.length; index += 1) hash = hashByte(hash, identity.charCodeAt(index));
  return hash >>> 0;
}

/** The key as a person reads it, for messages only. */
export function describeKey(key: DocumentKey): string {
  const bytes = document(element(key.value.type, '_id', key.value.bytes));
  const text = BSON.EJSON.stringify(decode(bytes, { validation: { utf8: false } })._id);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
