import { BSON_TYPE } from './elements.ts';
import { RawValue } from './raw-value.ts';

/**
 * Returns the bytes of one element: type, name, value.
 * @param name ASCII
 */
export function element(type: number, name: string, value: Buffer): Buffer {
  const head = Buffer.allocUnsafe(name.length + 2);
  head[0] = type;
  head.write(name, 1, 'latin1');
  head[name.length + 1] = 0;
  return Buffer.concat([head, value]);
}

/** Returns a document that consists of the given elements. */
export function document(...elements: readonly Buffer[]): Buffer {
  const length = elements.reduce((sum, part) => sum + part.length, 5);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeInt32LE(length, 0);
  let offset = 4;
  for (const part of elements) offset += part.copy(bytes, offset);
  bytes[offset] = 0;
  return bytes;
}

/** Returns an array of raw values. */
export function array(values: readonly RawValue[]): Buffer {
  return document(...values.map((value, index) => element(value.type, String(index), value.bytes)));
}

/** Wraps a whole document as a value inside a command. */
export function rawDocument(bytes: Buffer): RawValue {
  return new RawValue(BSON_TYPE.document, bytes);
}

/** Returns the bytes of a boolean value. */
export function boolean(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

/** Returns the bytes of an int32 value. */
export function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Returns the bytes of a double value. */
export function double(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
