import { createHash } from 'node:crypto';
import { BSON_TYPE, type Element, elementsOf } from '../bson/elements.ts';

/**
 * How two documents of one key differ.
 * - `MISSING`: only the source has it.
 * - `EXTRA`: only the destination has it.
 * - `FIELD_ORDER`: both have the same fields with the same bytes, in another order, at any depth.
 * - `DIFFERENT`: everything else.
 */
export type DifferenceClass = 'MISSING' | 'EXTRA' | 'DIFFERENT' | 'FIELD_ORDER';

export interface Difference {
  readonly class: DifferenceClass;
  /**
   * The first field of the source that differs, in dotted form; else the first one that only the destination has. Null
   * when only one side has the document.
   */
  readonly path: string | null;
}

/** Names may be as long as a document. */
const LONGEST_PATH = 500;

/** Names from the outermost to the innermost. */
type Path = readonly string[];

/** Whether a value consists of elements. A code's scope isn't looked into. */
const CONTAINERS: ReadonlySet<number> = new Set([BSON_TYPE.document, BSON_TYPE.array]);

/** Whether both sides have the same bytes, or no document. */
export function isSameDocument(source: Buffer | undefined, destination: Buffer | undefined): boolean {
  return source === undefined || destination === undefined ? source === destination : source.equals(destination);
}

/**
 * Describes the difference of two documents that don't have the same bytes. It reads bytes, never values, so -0, the
 * payload of a NaN, number types, names that occur twice and invalid UTF-8 count. Takes linear time.
 */
export function describeDifference(source: Buffer | undefined, destination: Buffer | undefined): Difference {
  if (destination === undefined) return { class: 'MISSING', path: null };
  if (source === undefined) return { class: 'EXTRA', path: null };
  try {
    const path = differenceOf(source, destination, BSON_TYPE.document);
    if (path !== undefined) return { class: 'DIFFERENT', path: shown(path) };
    return { class: 'FIELD_ORDER', path: shown(firstMoved(source, destination)) };
  } catch (error) {
    // A server stores the bytes that it was sent, even if they aren't valid BSON inside.
    if (error instanceof RangeError) return { class: 'DIFFERENT', path: null };
    throw error;
  }
}

function shown(path: Path): string {
  const text = path.map((name) => Buffer.from(name, 'latin1').toString('utf8')).join('.');
  return text.length > LONGEST_PATH ? `${text.slice(0, LONGEST_PATH)}…` : text;
}

/** Returns the path of the first difference apart from the order of fields; undefined when there is none. */
function differenceOf(source: Buffer, destination: Buffer, type: number): Path | undefined {
  if (source.equals(destination)) return undefined;
  return type === BSON_TYPE.array ? inArray(source, destination) : inDocument(source, destination);
}

/** The order of an array's elements is its content. */
function inArray(source: Buffer, destination: Buffer): Path | undefined {
  const others = elementsOf(destination);
  for (const element of elementsOf(source)) {
    const other = others.next().value;
    if (other?.name !== element.name) return [element.name];
    const path = inValue(source, element, destination, other);
    if (path !== undefined) return path;
  }
  const more = others.next().value;
  return more && [more.name];
}

function inDocument(source: Buffer, destination: Buffer): Path | undefined {
  const fields = byName(source);
  const others = byName(destination);
  for (const [name, elements] of fields) {
    const counterparts = others.get(name) ?? [];
    const [element] = elements;
    const [other] = counterparts;
    if (element === undefined || other === undefined) return [name];
    const isAlone = elements.length === 1 && counterparts.length === 1;
    const path = isAlone
      ? inValue(source, element, destination, other)
      : inRepeated(valuesOf(source, elements), valuesOf(destination, counterparts)) && [name];
    if (path !== undefined) return path;
  }
  const more = [...others.keys()].find((name) => !fields.has(name));
  return more === undefined ? undefined : [more];
}

function inValue(source: Buffer, element: Element, destination: Buffer, other: Element): Path | undefined {
  const value = source.subarray(element.valueStart, element.valueEnd);
  const counterpart = destination.subarray(other.valueStart, other.valueEnd);
  if (element.type !== other.type) return [element.name];
  if (!CONTAINERS.has(element.type)) return value.equals(counterpart) ? undefined : [element.name];
  const inner = differenceOf(value, counterpart, element.type);
  return inner && [element.name, ...inner];
}

/** Whether the values of a name that occurs more than once differ apart from their order; undefined when they don't. */
function inRepeated(values: readonly string[], counterparts: readonly string[]): true | undefined {
  const sorted = counterparts.toSorted();
  const isSame = values.length === sorted.length && values.toSorted().every((value, index) => value === sorted[index]);
  return isSame ? undefined : true;
}

function valuesOf(bytes: Buffer, elements: readonly Element[]): string[] {
  return elements.map((element) => unorderedHash(element.type, bytes.subarray(element.valueStart, element.valueEnd)));
}

/** Returns a hash that is equal for values that differ at most in the order of fields. */
function unorderedHash(type: number, value: Buffer): string {
  const hash = createHash('sha256').update(Buffer.from([type]));
  if (!CONTAINERS.has(type)) return hash.update(value).digest('hex');
  const inner = [...elementsOf(value)].map(
    (element) =>
      `${unorderedHash(element.type, value.subarray(element.valueStart, element.valueEnd))}${element.name}\0`,
  );
  if (type === BSON_TYPE.document) inner.sort();
  for (const each of inner) hash.update(each, 'latin1');
  return hash.digest('hex');
}

function byName(bytes: Buffer): Map<string, Element[]> {
  const fields = new Map<string, Element[]>();
  for (const element of elementsOf(bytes)) {
    const same = fields.get(element.name);
    if (same === undefined) fields.set(element.name, [element]);
    else same.push(element);
  }
  return fields;
}

/** Returns the path of the first field that isn't in its place, of documents that differ only in the order of fields. */
function firstMoved(source: Buffer, destination: Buffer): Path {
  const others = elementsOf(destination);
  for (const element of elementsOf(source)) {
    const other = others.next().value;
    if (other === undefined || other.name !== element.name || other.type !== element.type) return [element.name];
    const value = source.subarray(element.valueStart, element.valueEnd);
    const counterpart = destination.subarray(other.valueStart, other.valueEnd);
    if (value.equals(counterpart)) continue;
    return CONTAINERS.has(element.type) ? [element.name, ...firstMoved(value, counterpart)] : [element.name];
  }
  return [];
}
