import { hash } from 'node:crypto';
import { BSON, type Document } from 'mongodb';

/** Options that keep all types distinct (1 as int, long and double are three values), so that encoding returns the same bytes. */
export const exactTypes = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/** The most bytes of an `_id` that isn't replaced by its hash. */
const LONGEST_BYTES = 1_000;

/**
 * Returns the `_id` of a raw document: its type byte and its value's bytes, in hexadecimal. Of a long value it has the SHA-256: a map of
 * texts of more than 16,383 characters is slow, because V8 hashes them by their length alone.
 * Values that are equal for the server but have different bytes (1 as int and as long) return different results.
 */
export function idBytes(document: Uint8Array): string {
  for (const [type, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(document)) {
    if (nameLength !== 3 || Buffer.from(document.buffer, document.byteOffset + nameOffset, 3).toString() !== '_id') {
      continue;
    }
    const value = Buffer.from(document.buffer, document.byteOffset + offset, length);
    const shown = length > LONGEST_BYTES ? hash('sha256', value) : value.toString('hex');
    return type.toString(16).padStart(2, '0') + shown;
  }
  throw new Error('a document without _id');
}

/** Returns the {@link idBytes} of a value, as encoded by the driver. */
export function idBytesOf(id: unknown): string {
  return idBytes(BSON.serialize({ _id: id }));
}

/** Formats a document for people, as canonical extended JSON, which shows all types. */
export function show(document: Document): string {
  return BSON.EJSON.stringify(document, { relaxed: false });
}
