import { BSON, type Document } from 'mongodb';

/** Decoding that keeps every type apart (1 as int, long and double are three values), for a re-encoding to the same bytes. */
export const exactTypes = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
} as const;

/**
 * The `_id` of a raw document: its type byte and its value's bytes, in hexadecimal.
 * Two values that the server takes for equal but that are encoded differently (1 as int and as long) give different results.
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

/** {@link idBytes} of a value, as the driver encodes it. */
export function idBytesOf(id: unknown): string {
  return idBytes(BSON.serialize({ _id: id }));
}

/** For people: canonical extended JSON, which shows all types. */
export function show(document: Document): string {
  return BSON.EJSON.stringify(document, { relaxed: false });
}
