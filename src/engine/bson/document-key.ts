import { hash } from 'node:crypto';
import { BSON } from 'mongodb';
import { decode } from './decode.ts';
import { elementNamed } from './elements.ts';
import { HASH_SEED, hashByte } from './hash.ts';
import { identityOf } from './key-identity.ts';
import { document, element } from './raw-document.ts';
import { RawValue } from './raw-value.ts';

/** The most characters of a key that a message shows. */
const LONGEST_SHOWN = 200;

/**
 * The most characters of an identity that isn't replaced by its SHA-256. Above 16,383 characters, V8 hashes a string by its length alone, so
 * that a map of a thousand such keys compares each with all others.
 */
const LONGEST_IDENTITY = 10_000;

/**
 * The `_id` of a document, as bytes and as the server compares it. Keys with different bytes can be equal to the server
 * (docs/reference/pitfalls.md#pitfall-28).
 */
export interface DocumentKey {
  readonly value: RawValue;
  /** Map key: two identities are equal exactly when a server treats the keys as equal under the simple collation. */
  readonly identity: string;
}

/**
 * Returns the key of a document, or of a change event's `documentKey`.
 * @throws RangeError when it has no `_id`
 */
export function keyOf(bytes: Buffer): DocumentKey {
  const id = elementNamed(bytes, '_id');
  if (id === undefined) throw new RangeError('Document has no _id');
  return keyFromValue(id.type, bytes.subarray(id.valueStart, id.valueEnd));
}

/** Returns a key from its stored form, see `keyBytes`. */
export function keyFromBytes(bytes: Buffer): DocumentKey {
  return keyFromValue(bytes[0] ?? 0, bytes.subarray(1));
}

/** Returns the key in memory of its own. A key of a server's reply keeps the whole reply in memory. */
export function detachedKey({ value, identity }: DocumentKey): DocumentKey {
  return { value: new RawValue(value.type, Buffer.from(value.bytes)), identity };
}

/** Returns the key's type byte and value, to store them in a binary field. */
export function keyBytes(key: DocumentKey): Buffer {
  return Buffer.concat([Buffer.from([key.value.type]), key.value.bytes]);
}

function keyFromValue(type: number, bytes: Buffer): DocumentKey {
  const identity = identityOf(type, bytes);
  const short = identity.length > LONGEST_IDENTITY ? `\0${hash('sha256', identity)}` : identity;
  return { value: new RawValue(type, bytes), identity: short };
}

/** Returns a hash that is equal for all keys of one identity. Different identities may share it. */
export function laneHash({ identity }: DocumentKey): number {
  let hash = HASH_SEED;
  for (let index = 0; index < identity.length; index += 1) hash = hashByte(hash, identity.charCodeAt(index));
  return hash >>> 0;
}

/** Returns the key as readable text, for messages only. */
export function describeKey(key: DocumentKey): string {
  const bytes = document(element(key.value.type, '_id', key.value.bytes));
  return shortened(BSON.EJSON.stringify(decode(bytes, { validation: { utf8: false } })._id));
}

/** Returns the key as canonical Extended JSON, which shows its type, shortened when it is long. */
export function canonicalKey(key: DocumentKey): string {
  const bytes = document(element(key.value.type, '_id', key.value.bytes));
  const { _id } = decode(bytes, { validation: { utf8: false }, promoteValues: false });
  return shortened(BSON.EJSON.stringify(_id, { relaxed: false }));
}

function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
