import { DocumentBatch } from '../bson/document-batch.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { needsExactWrite } from '../bson/exact-write.ts';
import type { Dispatched } from '../collections/context.ts';
import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import { noteReordered } from '../collections/note-reordered.ts';
import { refuseRepeatedIds } from '../collections/repeated-ids.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { presentOf } from '../compare/collection-side.ts';
import { readByKeys } from '../compare/read-by-keys.ts';
import { REPLY_BYTES } from '../concurrency/memory-budget.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import {
  changeTogether,
  deleteRaw,
  exactReplaceStatement,
  insertRaw,
  isDuplicateId,
  refuseWriteError,
  replaceStatement,
  updateRaw,
  type WriteError,
  type WriteTarget,
} from '../mongodb/raw-write.ts';
import { historyOf } from '../mongodb/seen-history.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';
import { blameFilter } from '../scope/document-filters.ts';
import { type DirtyKey, isCertain, leftItsPlace } from './dirty-key.ts';
import { sourceOf } from './migrated-sides.ts';
import { type RefusedDocument, refusedByUniqueIndex, UniqueConflict } from './unique-conflict.ts';
import { type KeyedDocument, writeInOrder } from './write-in-order.ts';

const IMMUTABLE_FIELD = 66;

/** The writes that give the destination the keys' current state. */
interface Writes {
  readonly deletes: readonly DocumentKey[];
  readonly inserts: readonly KeyedDocument[];
  readonly replaces: readonly KeyedDocument[];
}

/**
 * Applies the current state of one collection's keys: writes each document that the source has, and deletes the others.
 * Updates are never replayed (docs/reference/pitfalls.md#pitfall-15). Acknowledged by the majority when it returns;
 * repeating it does no harm.
 * @throws CollectionDropped, CollectionMissing when the source doesn't have the collection
 * @throws UniqueConflict when documents that are out of date hold values of these in unique indexes
 */
export async function applyKeys(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  dirty: readonly DirtyKey[],
): Promise<void> {
  if (collection.isCapped) return await applyInOrder(context, collection, dirty);
  const inserts: KeyedDocument[] = [];
  const replaces: KeyedDocument[] = [];
  const deletes: DocumentKey[] = [];
  const unknown: DocumentKey[] = [];
  for (const { key, state } of dirty) {
    if (!isCertain(collection, key)) {
      unknown.push(key);
    } else if (state.kind === 'inserted' || state.kind === 'replaced') {
      const plainInsert = state.kind === 'inserted' && !needsExactWrite(state.document);
      (plainInsert ? inserts : replaces).push({ key, document: state.document });
    } else if (state.kind === 'deleted') {
      deletes.push(key);
    } else {
      unknown.push(key);
    }
  }
  await write(context, collection, { deletes, inserts, replaces });
  await fetchAndWrite(context, collection, unknown);
}

/**
 * Applies all keys in the order in which they changed (docs/reference/pitfalls.md#pitfall-35). Documents that left
 * their place are deleted first, because only an inserted document takes the last place. A key whose last change was a
 * delete isn't fetched: a later insert has an entry of its own.
 */
async function applyInOrder(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  dirty: readonly DirtyKey[],
): Promise<void> {
  const deletes = dirty.filter(({ state }) => leftItsPlace(state.kind)).map(({ key }) => key);
  // rule: note-reinserted-capped
  await noteReinserted(context, collection, deletes);
  // rule: capped-delete-before-insert
  await write(context, collection, { deletes, inserts: [], replaces: [] });
  const others = dirty.filter(({ key, state }) => state.kind !== 'deleted' || !isCertain(collection, key));
  await fetchAndWrite(
    context,
    collection,
    others.map(({ key }) => key),
  );
}

/**
 * Notes that a document left its place and exists again. When its changes come twice, it is deleted from its new place
 * and inserted behind later documents. Other deletes, of which a full collection has one for each insert, leave the
 * order as it is. On record before the checkpoint passes the change: a successor may not see it.
 */
async function noteReinserted(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  deletes: readonly DocumentKey[],
): Promise<void> {
  if (deletes.length === 0) return;
  const present = await presentOf(sourceOf(context, collection), deletes);
  if (present.size > 0) await noteReordered(context, collection);
}

async function fetchAndWrite(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<void> {
  if (keys.length === 0) return;
  if (keys.length === 1 || keys.length * collection.averageBytes <= REPLY_BYTES) {
    const { waitTimes, memory, signal } = context;
    const room = memory.fetches.take(expectedBytes(collection, keys.length), signal);
    using held = await waitTimes.during('memory', room);
    const fetched = fetchDocuments(context, collection, keys);
    const found = await waitTimes.during('source', fetched).catch((error: unknown) => {
      throw blameFilter(collection, error);
    });
    if (found !== 'too large') {
      held.settle(found.bytes.length);
      collection.saw(found);
      await writeFound(context, collection, keys, found);
      return;
    }
  }
  const middle = Math.ceil(keys.length / 2);
  await fetchAndWrite(context, collection, keys.slice(0, middle));
  await fetchAndWrite(context, collection, keys.slice(middle));
}

/** Returns the memory to wait for: the average size of each document, plus the largest size for one of them. */
function expectedBytes({ averageBytes, largestBytes }: TrackedCollection, keys: number): number {
  return Math.min(REPLY_BYTES, keys * averageBytes + (largestBytes || REPLY_BYTES));
}

/**
 * Writes the documents that were found and deletes the keys that weren't, including those that equal a found one only
 * under the collation.
 */
async function writeFound(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
  found: DocumentBatch,
): Promise<void> {
  const replaces = Array.from(found, (document) => ({ key: keyOf(document), document }));
  const present = new Set(replaces.map(({ key }) => key.identity));
  const deletes = keys.filter(({ identity }) => !present.has(identity));
  if (collection.isCapped) {
    const rank = new Map(keys.map(({ identity }, index) => [identity, index]));
    replaces.sort((a, b) => (rank.get(a.key.identity) ?? 0) - (rank.get(b.key.identity) ?? 0));
  }
  await write(context, collection, { deletes, inserts: [], replaces });
}

/**
 * Returns the current states, read at or after everything dispatched; "too large" when they exceed one reply.
 * @throws HistoryWentBack in an opposite direction: documents that the source has lost may be on the destination only
 */
async function fetchDocuments(
  context: Clusters & Pace & Dispatched,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<DocumentBatch | 'too large'> {
  const fetch = async (name: string) => {
    const read = async (filter: object): Promise<DocumentBatch | 'too large'> => {
      const [cursor, batch] = await RawCursor.open(context.source, collection.sourceDatabase, {
        find: name,
        filter: collection.selected(filter),
        batchSize: keys.length + 1,
        ...pinTo(context, collection),
        // rule: read-after-dispatched-events
        readConcern: { level: 'majority', afterClusterTime: context.position.time },
      });
      await using _ = cursor;
      if (cursor.open && keys.length > 1) return 'too large';
      if (!cursor.open) return batch.documents;
      return DocumentBatch.of([...batch.documents, ...(await cursor.next()).documents]);
    };
    const documents = joined(await readByKeys(keys, collection.isClustered, read));
    if (documents === 'too large') return documents;
    await refuseRepeatedIds(context, collection, documents, context.position.time);
    return documents;
  };
  const history = historyOf(context.source);
  return await onSource(context, collection, (name) =>
    // rule: fetch-confirmed-history
    context.isReversed ? history.whileConfirmed(() => fetch(name)) : fetch(name),
  );
}

/** Returns the documents of all batches, each once: a collation may find one document by several keys. */
function joined(batches: readonly (DocumentBatch | 'too large')[]): DocumentBatch | 'too large' {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only;
  const documents = new Map<string, Buffer>();
  let bytes = 0;
  for (const batch of batches) {
    if (batch === 'too large') return batch;
    bytes += batch.bytes.length;
    for (const document of batch) documents.set(keyOf(document).identity, document);
  }
  return bytes > REPLY_BYTES ? 'too large' : DocumentBatch.of([...documents.values()]);
}

async function write(
  context: Clusters & Records & Pace & Dispatched,
  collection: TrackedCollection,
  writes: Writes,
): Promise<void> {
  const bytes = [...writes.inserts, ...writes.replaces].reduce((sum, { document }) => sum + document.length, 0);
  const { waitTimes, memory, signal } = context;
  using _ = await waitTimes.during('memory', memory.changeWrites.take(bytes, signal));
  const written = onDestination(context, collection, async (target) => {
    const [inserted, changed] = await Promise.allSettled([
      insert(context, target, writes.inserts),
      change(context, collection, target, writes),
    ]);
    if (inserted.status === 'rejected') throw inserted.reason;
    if (changed.status === 'rejected') throw changed.reason;
    // With a document filter, only this place knows which changes concerned selected documents.
    if (collection.filter !== null) context.seen.note(collection.namespace, changed.value + writes.replaces.length);
  });
  await waitTimes.during('destination', written);
}

/**
 * Deletes come first. A key that wasn't found may equal a found one with other bytes. Deleting it then also deletes
 * that document, which is written again afterwards (docs/reference/pitfalls.md#pitfall-28).
 * @returns how many documents existed to delete
 */
async function change(
  context: Clusters & Records,
  collection: TrackedCollection,
  target: WriteTarget,
  { deletes, replaces }: Writes,
): Promise<number> {
  if (collection.isCapped) {
    const removed = await remove(context, target, deletes);
    await writeInOrder(context, collection, target, { documents: replaces, ifPresent: 'replace' });
    return removed;
  }
  const { plain = [], exact = [] } = Object.groupBy(replaces, ({ document }) =>
    needsExactWrite(document) ? 'exact' : 'plain',
  );
  const together = await changeTogether(context.fence, target, deletes, statementsFor(plain));
  const removed = together?.removed ?? (await remove(context, target, deletes));
  // rule: send-refused-separately
  if (together === undefined) await replace(context, target, plain);
  // rule: delete-before-exact-write
  await putInPlace(context, target, exact);
  return removed;
}

async function remove({ fence }: Clusters, target: WriteTarget, keys: readonly DocumentKey[]): Promise<number> {
  const { errors, removed } = await deleteRaw(fence, target, keys);
  for (const error of errors) refuseWriteError(target, keys[error.index], error);
  return removed;
}

async function insert(context: Clusters, target: WriteTarget, documents: readonly KeyedDocument[]): Promise<void> {
  const batch = DocumentBatch.of(documents.map(({ document }) => document));
  const errors = await insertRaw(context.fence, target, batch);
  refuse(
    context,
    target,
    documents,
    errors.filter((error) => !isDuplicateId(error)),
  );
  await replace(context, target, atErrors(documents, errors));
}

async function replace(context: Clusters, target: WriteTarget, documents: readonly KeyedDocument[]): Promise<void> {
  const errors = await updateRaw(context.fence, target, statementsFor(documents));
  refuse(
    context,
    target,
    documents,
    errors.filter(({ code }) => code !== IMMUTABLE_FIELD),
  );
  await putInPlace(context, target, atErrors(documents, errors));
}

function atErrors(documents: readonly KeyedDocument[], errors: readonly WriteError[]): KeyedDocument[] {
  return errors.flatMap(({ index }) => documents[index] ?? []);
}

/** @throws UniqueConflict, or UserError NAMESPACE_CONFLICT for anything else that the destination refused */
function refuse(
  { isReversed }: Clusters,
  target: WriteTarget,
  documents: readonly KeyedDocument[],
  errors: readonly WriteError[],
): void {
  const refused: RefusedDocument[] = [];
  for (const error of errors) {
    const one = documents[error.index];
    // rule: make-room-for-unique-values
    const byIndex = isReversed && one !== undefined ? refusedByUniqueIndex(one, error) : undefined;
    if (byIndex === undefined) refuseWriteError(target, one?.key, error);
    refused.push(byIndex);
  }
  if (refused.length > 0) throw new UniqueConflict(refused);
}

function statementsFor(documents: readonly KeyedDocument[]): Buffer[] {
  return documents.map(({ key, document }) => replaceStatement(key, document));
}

/**
 * Writes documents that may have to replace others. An existing one may have a different `_id` that is equal under the
 * collection's collation, so it is deleted first. The same protects empty timestamps: secondaries write their own time
 * into a replaced document, but keep an inserted one (docs/reference/mongodb-behaviour.md#fact-8-8).
 */
async function putInPlace(context: Clusters, target: WriteTarget, documents: readonly KeyedDocument[]): Promise<void> {
  if (documents.length === 0) return;
  const keys = documents.map(({ key }) => key);
  const statements = documents.map(({ key, document }) => exactReplaceStatement(key, document));
  if ((await changeTogether(context.fence, target, keys, statements)) !== undefined) return;
  await remove(context, target, keys);
  refuse(context, target, documents, await updateRaw(context.fence, target, statements));
}
