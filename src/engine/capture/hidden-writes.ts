import type { Binary, MongoClient, Timestamp } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { isServerCollection, isUserDatabase } from '../catalog/namespaces.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import { isBefore, timeOfToken, writeBarrier } from '../cluster/cluster-time.ts';
import { RawCursor } from '../cluster/raw-cursor.ts';
import type { SourceFeatures } from '../cluster/server-features.ts';
import { readChangeEvent } from './change-event.ts';

/**
 * Oplog entries that change streams leave out (docs/adr/0021-hidden-writes.md has what was tried): documents that `convertToCapped` and
 * `cloneCollectionAsCapped` insert, and what the command `applyOps` does to documents. A transaction is stored as `applyOps`, too, with the
 * number that it has in its session.
 */
const HIDDEN = {
  $or: [{ fromMigrate: true }, { op: 'c', 'o.applyOps': { $exists: true }, txnNumber: { $exists: false } }],
};

const BATCH_ENTRIES = 10_000;
const BARRIER_WAIT_MS = 20;

/** Never the documents: one entry can hold 16 MB of them. Servers take apart what is nested deeper. */
const PROJECTION = Object.fromEntries(
  ['', 'o.applyOps.', 'o.applyOps.o.applyOps.']
    .flatMap((path) => ['op', 'ns', 'ui'].map((field) => path + field))
    .concat('ts', 'fromMigrate')
    .map((field) => [field, 1]),
);

interface Operation {
  readonly op: string;
  readonly ns: string;
  readonly ui?: Binary;
  readonly o?: { readonly applyOps?: readonly Operation[] };
}

interface Entry extends Operation {
  readonly ts: Timestamp;
  readonly fromMigrate?: boolean;
}

/** Collections and catalogs that were written to without an event. */
export class HiddenWrites {
  /** Collections by UUID, or by name where the entry has no UUID. */
  readonly #collections = new Set<string>();
  /** Whether collections or views may have been made, changed or dropped. */
  changesCatalog = false;

  take({ op, ns, ui, o }: Operation): void {
    if (o?.applyOps !== undefined) {
      for (const operation of o.applyOps) this.take(operation);
      return;
    }
    const dot = ns.indexOf('.');
    const name = ns.slice(dot + 1);
    if (op === 'n' || !isUserDatabase(ns.slice(0, dot))) return;
    if (op === 'c' || name === 'system.views') this.changesCatalog = true;
    else if (!isServerCollection(name)) this.#collections.add(ui?.toString('hex') ?? ns);
  }

  get isEmpty(): boolean {
    return this.#collections.size === 0 && !this.changesCatalog;
  }

  isOf({ id, namespace }: Pick<TrackedCollection, 'id' | 'namespace'>): boolean {
    return this.#collections.has(id) || this.#collections.has(namespace);
  }

  add(others: HiddenWrites): void {
    for (const one of others.#collections) this.#collections.add(one);
    this.changesCatalog ||= others.changesCatalog;
  }
}

/** A part of the oplog that the majority has: `after` is exclusive, `to` is inclusive. */
interface Range {
  readonly after: Timestamp;
  readonly to: Timestamp;
}

/**
 * Reads what was written without an event in a part of the oplog.
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
    if (entry.fromMigrate) {
      found.take(entry);
      continue;
    }
    const group = new HiddenWrites();
    group.take(entry);
    if (group.isEmpty) continue;
    grouped.add(group);
    lastGroup = entry.ts;
  }
  // Looked at last: what is there now was there all the time.
  const oldest = { find: 'oplog.rs', projection: { ts: 1 }, sort: { $natural: 1 }, limit: 1, singleBatch: true };
  const { cursor } = await source.db('local').command(oldest);
  const [first] = cursor.firstBatch as Entry[];
  if (first === undefined || isBefore(after, first.ts)) return undefined;
  // Newer servers store other deletes of many documents alike, which their streams show (as their source text says; not tried).
  if (lastGroup !== undefined && !(await isShown(source, features, lastGroup))) found.add(grouped);
  return found;
}

async function* readEntries(source: MongoClient, { after, to }: Range): AsyncGenerator<Entry> {
  const [cursor, first] = await RawCursor.open(source, 'local', {
    find: 'oplog.rs',
    filter: { ts: { $gt: after, $lte: to }, ...HIDDEN },
    projection: PROJECTION,
    batchSize: BATCH_ENTRIES,
    readConcern: { level: 'majority', afterClusterTime: to },
  });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: BATCH_ENTRIES })) {
    for (const bytes of batch.documents) yield decode(bytes) as Entry;
    if (!cursor.open) return;
  }
}

/** Whether the source's change streams show the oplog entry of that time. */
export async function isShown(source: MongoClient, features: SourceFeatures, time: Timestamp): Promise<boolean> {
  const showsAll = features.showsCatalogChanges;
  // A quiet source would not tell for 10 s that the stream has come past that time.
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
