import { BSON, type Document } from 'mongodb';

/** An element of a BSON document as bytes, so that it can be passed on without decoding its value. */
export interface Element {
  readonly name: string;
  /** Type, name and value. */
  readonly bytes: Buffer;
  readonly value: Buffer;
}

export function elementsOf(document: Buffer): Element[] {
  return [...BSON.onDemand.parseToElements(document)].map(([, nameOffset, nameLength, offset, length]) => ({
    name: document.toString('utf8', nameOffset, nameOffset + nameLength),
    bytes: document.subarray(nameOffset - 1, offset + length),
    value: document.subarray(offset, offset + length),
  }));
}

/** Returns the value of a field as bytes; undefined when the document has no such field. */
export function valueIn(document: Buffer, name: string): Buffer | undefined {
  return elementsOf(document).find((element) => element.name === name)?.value;
}

/** Returns a document that consists of these elements, in this order. */
export function assemble(elements: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32LE(elements.reduce((sum, { length }) => sum + length, 5));
  return Buffer.concat([head, ...elements, Buffer.of(0)]);
}

/** Returns the name of a command, which is its first element's. */
export function commandName([first = Buffer.alloc(0)]: readonly Buffer[]): string {
  return first.toString('utf8', 1, first.indexOf(0, 1));
}

/** Returns the element with another name, and its value's bytes unchanged. */
export function renamed({ bytes, value }: Element, name: string): Buffer {
  return Buffer.concat([bytes.subarray(0, 1), Buffer.from(`${name}\0`), value]);
}

export function encode(document: Document): Buffer {
  return Buffer.from(BSON.serialize(document, { ignoreUndefined: true }));
}

/** Returns the elements of a document's encoding, to be put beside others. */
export function encodeElements(document: Document): Buffer[] {
  return elementsOf(encode(document)).map(({ bytes }) => bytes);
}

/** Decodes numbers as JavaScript's, except 64-bit integers. */
export function decode(bytes: Uint8Array, options: BSON.DeserializeOptions = {}): Document {
  return BSON.deserialize(bytes, { promoteLongs: false, ...options });
}

/** Keeps the types of numbers, so that encoding returns the same bytes. */
export function decodeExactly(bytes: Uint8Array): Document {
  return BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
}
