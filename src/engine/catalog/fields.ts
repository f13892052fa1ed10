import { elementsOf } from '../bson/elements.ts';
import { document, element } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { ownBytes } from '../bson/stored-bytes.ts';

/**
 * The top-level fields of a raw document, in order. Specs and options stay bytes, so that 1, 1.0 and NumberLong(1) stay
 * different.
 */
export type Fields = ReadonlyMap<string, RawValue>;

export function fieldsOf(given: Buffer): Map<string, RawValue> {
  const fields = new Map<string, RawValue>();
  const bytes = ownBytes(given);
  for (const { name, type, valueStart, valueEnd } of elementsOf(bytes)) {
    fields.set(name, new RawValue(type, bytes.subarray(valueStart, valueEnd)));
  }
  return fields;
}

export function documentOf(fields: Fields): Buffer {
  return document(...[...fields].map(([name, value]) => element(value.type, name, value.bytes)));
}

/** Whether two values have the same type and bytes, or both are absent. */
export function isSameValue(a: RawValue | undefined, b: RawValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.type === b.type && a.bytes.equals(b.bytes);
}

/** Returns the names of fields that differ or exist on one side only; the order of fields doesn't matter. */
export function differingFields(a: Fields, b: Fields): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !isSameValue(a.get(name), b.get(name)));
}
