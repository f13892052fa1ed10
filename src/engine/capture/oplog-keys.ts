import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { type Element, elementNamed, elementsOf } from '../bson/elements.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { isServerCollection, isUserDatabase } from '../mongodb/namespaces.ts';

/** The fields of an entry that {@link OplogKeys} reads. Only keys: one entry can hold 16 MB of documents. Servers split deeper nesting. */
export const OPLOG_KEY_FIELDS = Object.fromEntries(
  ['', 'o.applyOps.', 'o.applyOps.o.applyOps.']
    .flatMap((path) => ['op', 'ns', 'ui', 'o._id', 'o2._id'].map((field) => path + field))
    .concat('ts', 'fromMigrate')
    .map((field) => [field, 1]),
);

/** Most keys of a collection that are kept from one part of the oplog. Above it, the whole collection is compared. */
const MOST_KEYS = 1_000;

/** Keys by identity; undefined when there are too many, or when one is missing. */
type Keys = Map<string, DocumentKey> | undefined;

/** The collections, documents and catalogs that entries of an oplog write. */
export class OplogKeys {
  /** Collections by UUID, or by name when the entry has no UUID. */
  readonly #collections = new Map<string, Keys>();
  readonly #changedCollections = new Set<string>();
  /** Whether collections or views may have been created, changed or dropped. */
  changesCatalog = false;

  /** Adds an operation from the oplog, or from inside `applyOps`. */
  take(operation: Buffer): void {
    const { op, ns, id, change, key } = readOperation(operation);
    // rule: oplog-command-or-document
    const list = op === 'c' && change !== undefined ? elementNamed(change, 'applyOps') : undefined;
    if (change !== undefined && list !== undefined) {
      for (const inner of elementsOf(partOf(change, list))) this.take(partOf(partOf(change, list), inner));
      return;
    }
    const dot = ns.indexOf('.');
    const name = ns.slice(dot + 1);
    if (op === 'n' || !isUserDatabase(ns.slice(0, dot))) return;
    if (op === 'c' && id !== undefined) this.#changedCollections.add(id);
    if (op === 'c' || name === 'system.views') this.changesCatalog = true;
    else if (!isServerCollection(name)) this.#add(id ?? ns, key === undefined ? undefined : [key]);
  }

  /** The collections, by UUID, whose options or indexes may have been changed. */
  get changedCollections(): ReadonlySet<string> {
    return this.#changedCollections;
  }

  get isEmpty(): boolean {
    return this.#collections.size === 0 && !this.changesCatalog;
  }

  isOf({ id, namespace }: Pick<TrackedCollection, 'id' | 'namespace'>): boolean {
    return this.#collections.has(id) || this.#collections.has(namespace);
  }

  /**
   * Returns the keys of a collection's writes.
   * @returns undefined when they aren't known
   */
  keysOf({ id, namespace }: Pick<TrackedCollection, 'id' | 'namespace'>): readonly DocumentKey[] | undefined {
    const places = [id, namespace].filter((place) => this.#collections.has(place));
    const keys = places.map((place) => this.#collections.get(place));
    return keys.includes(undefined) ? undefined : keys.flatMap((some) => [...(some?.values() ?? [])]);
  }

  add(others: OplogKeys): void {
    for (const [place, keys] of others.#collections) this.#add(place, keys === undefined ? undefined : keys.values());
    for (const id of others.#changedCollections) this.#changedCollections.add(id);
    this.changesCatalog ||= others.changesCatalog;
  }

  #add(place: string, more: Iterable<DocumentKey> | undefined): void {
    const keys: Keys = this.#collections.has(place) ? this.#collections.get(place) : new Map();
    for (const key of more ?? []) keys?.set(key.identity, key);
    const isKnown = more !== undefined && keys !== undefined && keys.size <= MOST_KEYS;
    this.#collections.set(place, isKnown ? keys : undefined);
  }
}

/** The fields of an operation that the search reads. */
interface Operation {
  readonly op: string;
  readonly ns: string;
  /** UUID of the collection, in hexadecimal. */
  readonly id: string | undefined;
  /** `o`: a document, a change of a document, or a command. */
  readonly change: Buffer | undefined;
  /** The key of the document that it writes. */
  readonly key: DocumentKey | undefined;
}

/** Reads an entry of the oplog, or an operation inside `applyOps`. */
export function readOperation(bytes: Buffer): Operation {
  const fields = new Map([...elementsOf(bytes)].map((element) => [element.name, partOf(bytes, element)]));
  const textOf = (name: string) => fields.get(name)?.toString('utf8', 4).replace(/\0$/, '') ?? '';
  const op = textOf('op');
  const written = fields.get(op === 'u' ? 'o2' : 'o');
  const hasKey = ['i', 'u', 'd'].includes(op) && written !== undefined && elementNamed(written, '_id') !== undefined;
  return {
    op,
    ns: textOf('ns'),
    // A binary value begins with its length and subtype.
    id: fields.get('ui')?.toString('hex', 5),
    change: fields.get('o'),
    key: hasKey ? keyOf(written) : undefined,
  };
}

/** Returns the bytes of an element's value. */
function partOf(bytes: Buffer, { valueStart, valueEnd }: Element): Buffer {
  return bytes.subarray(valueStart, valueEnd);
}
