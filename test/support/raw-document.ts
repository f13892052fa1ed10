import { BSON, type Document } from 'mongodb';

/** Options that keep all types distinct (1 as int, long and double are three values), so that encoding returns the same bytes. */
export const exactTypes = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/**
 * Returns the `_id` of a raw document: its type byte and its value's bytes, in hexadecimal.
 * Values that are equal for the server but have different bytes (1 as int and as long) return different results.
 */
export function idBytes(document: Uint8Array): string {
  for (const [type, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(document)) {
    if (nameLength !== 3 || Buffer.from(document.buffer, document.byteOffset + nameOffset, 3).toString() !== '_id') {
      continue;
    }
    const value = Buffer.from(document.buffer, document.byteOffset + offset, length);
    return type.toString(16).padStart(2, '0') + value.toString('hex');
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
