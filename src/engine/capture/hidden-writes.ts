import { type MongoClient, Timestamp } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { type Element, elementNamed, elementsOf } from '../bson/elements.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { isBefore, timeOfToken, writeBarrier } from '../mongodb/cluster-time.ts';
import { isServerCollection, isUserDatabase } from '../mongodb/namespaces.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { readChangeEvent } from './change-event.ts';

/**
 * Selects oplog entries that change streams omit (docs/adr/0021-hidden-writes.md lists what was tried): documents that
 * `convertToCapped` and `cloneCollectionAsCapped` insert, and changes of documents by the command `applyOps`.
 * Transactions are stored as `applyOps` too, but with a number in their session.
 */
const HIDDEN = {
  $or: [{ fromMigrate: true }, { op: 'c', 'o.applyOps': { $exists: true }, txnNumber: { $exists: false } }],
};

const BATCH_ENTRIES = 10_000;
const BARRIER_WAIT_MS = 20;

/** Only the keys of the documents, because one entry can hold 16 MB of documents. Servers split deeper nesting. */
const PROJECTION = Object.fromEntries(
  ['', 'o.applyOps.', 'o.applyOps.o.applyOps.']
    .flatMap((path) => ['op', 'ns', 'ui', 'o._id', 'o2._id'].map((field) => path + field))
    .concat('ts', 'fromMigrate')
    .map((field) => [field, 1]),
);
/** Most keys of a collection that are kept from one part of the oplog. Above it, the whole collection is compared. */
const MOST_KEYS = 1_000;

/** Keys by identity; undefined when there are too many, or when one is missing. */
type Keys = Map<string, DocumentKey> | undefined;

/** Collections and catalogs that were changed without an event. */
export class HiddenWrites {
  /** Collections by UUID, or by name when the entry has no UUID. */
  readonly #collections = new Map<string, Keys>();
  /** Whether collections or views may have been created, changed or dropped. */
  changesCatalog = false;

  /** Adds an operation from the oplog, or from inside `applyOps`. */
  take(operation: Buffer): void {
    const { op, ns, id, change, key } = readOperation(operation);
    const list = op === 'c' && change !== undefined ? elementNamed(change, 'applyOps') : undefined;
    if (change !== undefined && list !== undefined) {
      for (const inner of elementsOf(partOf(change, list))) this.take(partOf(partOf(change, list), inner));
      return;
    }
    const dot = ns.indexOf('.');
    const name = ns.slice(dot + 1);
    if (op === 'n' || !isUserDatabase(ns.slice(0, dot))) return;
    if (op === 'c' || name === 'system.views') this.changesCatalog = true;
    else if (!isServerCollection(name)) this.#add(id ?? ns, key === undefined ? undefined : [key]);
  }

  get isEmpty(): boolean {
    return this.#collections.size === 0 && !this.changesCatalog;
  }

  isOf({ id, namespace }: Pick<TrackedCollection, 'id' | 'namespace'>): boolean {
    return this.#collections.has(id) || this.#collections.has(namespace);
  }

  /**
   * Returns the keys of a collection's hidden writes.
   * @returns undefined when they aren't known
   */
  keysOf({ id, namespace }: Pick<TrackedCollection, 'id' | 'namespace'>): readonly DocumentKey[] | undefined {
    const places = [id, namespace].filter((place) => this.#collections.has(place));
    const keys = places.map((place) => this.#collections.get(place));
    return keys.includes(undefined) ? undefined : keys.flatMap((some) => [...(some?.values() ?? [])]);
  }

  add(others: HiddenWrites): void {
    for (const [place, keys] of others.#collections) this.#add(place, keys === undefined ? undefined : keys.values());
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

function readOperation(bytes: Buffer): Operation {
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

function partOf(bytes: Buffer, { valueStart, valueEnd }: Element): Buffer {
  return bytes.subarray(valueStart, valueEnd);
}

/** A part of the oplog that the majority has; `after` is exclusive, `to` is inclusive. */
interface Range {
  readonly after: Timestamp;
  readonly to: Timestamp;
}

/**
 * Reads the writes without events in a part of the oplog.
 * @returns undefined when the oplog no longer reaches back to the beginning of that part
 */
export async function readHiddenWrites(
  source: MongoClient,
  features: SourceFeatures,
  { after, to }: Range,
): Promise<HiddenWrites | undefined> {
  const found = new HiddenWrites();
  const grouped = new HiddenWrites();
  let lastGroup: Timestamp | undefined;
  for await (const entry of readEntries(source, { after, to })) {
    if (elementNamed(entry, 'fromMigrate') !== undefined) {
      found.take(entry);
      continue;
    }
    const group = new HiddenWrites();
    group.take(entry);
    if (group.isEmpty) continue;
    grouped.add(group);
    lastGroup = timeOf(entry);
  }
  // Checked last: what is still there now was there during the whole read.
  const oldest = { find: 'oplog.rs', projection: { ts: 1 }, sort: { $natural: 1 }, limit: 1, singleBatch: true };
  const { cursor } = await source.db('local').command(oldest);
  const [first] = cursor.firstBatch as { readonly ts: Timestamp }[];
  if (first === undefined || isBefore(after, first.ts)) return undefined;
  // Newer servers store other deletes of many documents in the same form, and their streams show those (from the
  // server's source; not tried).
  if (lastGroup !== undefined && !(await isShown(source, features, lastGroup))) found.add(grouped);
  return found;
}

async function* readEntries(source: MongoClient, { after, to }: Range): AsyncGenerator<Buffer> {
  const [cursor, first] = await RawCursor.open(source, 'local', {
    find: 'oplog.rs',
    filter: { ts: { $gt: after, $lte: to }, ...HIDDEN },
    projection: PROJECTION,
    batchSize: BATCH_ENTRIES,
    readConcern: { level: 'majority', afterClusterTime: to },
  });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: BATCH_ENTRIES })) {
    yield* batch.documents;
    if (!cursor.open) return;
  }
}

function timeOf(entry: Buffer): Timestamp {
  const time = elementNamed(entry, 'ts');
  if (time === undefined) throw new RangeError('Entry of the oplog without a time');
  return new Timestamp(entry.readBigUInt64LE(time.valueStart));
}

/** Whether the source's change streams show the oplog entry of that time. */
export async function isShown(source: MongoClient, features: SourceFeatures, time: Timestamp): Promise<boolean> {
  const showsAll = features.showsCatalogChanges;
  // Without a barrier, a quiet source takes 10 s to report that the stream has passed that time.
  const passed = await writeBarrier(source);
  const [cursor, first] = await RawCursor.open(source, 'admin', {
    aggregate: 1,
    pipeline: [
      {
        $changeStream: {
          allChangesForCluster: true,
          ...(showsAll ? { showExpandedEvents: true, showSystemEvents: true } : {}),
          startAtOperationTime: time,
        },
      },
      { $project: { operationType: 1, clusterTime: 1, ns: 1, documentKey: 1, collectionUUID: 1 } },
    ],
    cursor: { batchSize: 1 },
    readConcern: { level: 'majority' },
  });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: 1, maxTimeMS: BARRIER_WAIT_MS })) {
    const [event] = batch.documents;
    if (event !== undefined) return readChangeEvent(event, showsAll).time.equals(time);
    const { postBatchResumeToken } = batch;
    if (postBatchResumeToken !== undefined && !isBefore(timeOfToken(postBatchResumeToken), passed)) return false;
  }
}
