/**
 * Walks BSON without decoding it. A migrated document keeps its bytes: decoding and encoding it again would lose number
 * types, key order, duplicate keys and invalid UTF-8.
 */

/** BSON element types that the engine looks at (bsonspec.org, version 1.1). */
export const BSON_TYPE = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
} as const;

/** One element of a document: its type, its name, and the position of its value. */
export interface Element {
  readonly type: number;
  readonly name: string;
  /** Offset of the type byte. */
  readonly start: number;
  /** Offset of the value's first byte, and of the byte after its last. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * Yields the top-level elements of a document.
 * @throws RangeError when its bytes aren't a BSON document
 */
export function* elementsOf(document: Buffer): Generator<Element> {
  const end = document.readInt32LE(0) - 1;
  if (end !== document.length - 1) throw new RangeError('Document length does not match its bytes');
  let offset = 4;
  while (offset < end) {
    const start = offset;
    const type = document[offset] ?? 0;
    const nameEnd = document.indexOf(0, offset + 1);
    const valueStart = nameEnd + 1;
    const valueEnd = valueStart + valueLength(type, document, valueStart);
    if (nameEnd < 0 || valueEnd > end) throw new RangeError('Element reaches beyond its document');
    yield { type, name: document.toString('latin1', offset + 1, nameEnd), start, valueStart, valueEnd };
    offset = valueEnd;
  }
}

/** Returns the named top-level element, or undefined. The name must be ASCII. */
export function elementNamed(document: Buffer, name: string): Element | undefined {
  for (const element of elementsOf(document)) if (element.name === name) return element;
  return undefined;
}

/**
 * Returns the number of bytes that a value of the type takes at the offset.
 * @throws RangeError when there is no such value
 */
export function valueLength(type: number, bytes: Buffer, offset: number): number {
  switch (type) {
    case 0x01: // double
    case 0x09: // date
    case 0x11: // timestamp
    case 0x12: // int64
      return 8;
    case 0x02: // string
    case 0x0d: // code
    case 0x0e: // symbol
      return 4 + lengthAt(bytes, offset, 1);
    case 0x03: // document
    case 0x04: // array
    case 0x0f: // code with scope
      return lengthAt(bytes, offset, 5);
    case 0x05: // binary
      return 5 + lengthAt(bytes, offset, 0);
    case 0x06: // undefined
    case 0x0a: // null
    case 0x7f: // max key
    case 0xff: // min key
      return 0;
    case 0x07: // object id
      return 12;
    case 0x08: // boolean
      return 1;
    case 0x0b: {
      // regular expression: two C strings
      const patternEnd = bytes.indexOf(0, offset);
      const end = bytes.indexOf(0, patternEnd + 1);
      if (patternEnd < 0 || end < 0) throw new RangeError('Regular expression without an end');
      return end + 1 - offset;
    }
    case 0x0c: // DBPointer
      return 4 + lengthAt(bytes, offset, 1) + 12;
    case 0x10: // int32
      return 4;
    case 0x13: // decimal128
      return 16;
    default:
      throw new RangeError(`Unknown BSON type 0x${type.toString(16)}`);
  }
}

/** Reads a length. A length below `least` would lead backwards, and a reader would loop forever. */
function lengthAt(bytes: Buffer, offset: number, least: number): number {
  const length = bytes.readInt32LE(offset);
  if (length < least) throw new RangeError(`A value cannot have the length ${length}`);
  return length;
}
