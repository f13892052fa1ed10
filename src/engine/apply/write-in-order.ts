import { DocumentBatch } from '../bson/document-batch.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { needsExactWrite } from '../bson/exact-write.ts';
import { noteReordered } from '../collections/note-reordered.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { BatchInterrupted } from '../mongodb/failure-policy.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import {
  deleteRaw,
  exactInsertStatement,
  insertRaw,
  isDuplicateId,
  refuseWriteError,
  replaceStatement,
  updateRaw,
  type WriteTarget,
} from '../mongodb/raw-write.ts';
import type { Clusters, Records } from '../records/context.ts';

export interface KeyedDocument {
  readonly key: DocumentKey;
  readonly document: Buffer;
}

interface Ordered {
  readonly documents: readonly KeyedDocument[];
  /** Whether an existing document keeps its content too. */
  readonly ifPresent: 'keep' | 'replace';
}

/**
 * Inserts documents one after the other, for collections whose order is part of their data
 * (docs/reference/pitfalls.md#pitfall-35). An existing document keeps its place.
 */
export async function writeInOrder(
  context: Clusters & Records,
  collection: TrackedCollection,
  target: WriteTarget,
  ordered: Ordered,
): Promise<void> {
  try {
    await writeOnce(context, collection, target, ordered);
  } catch (error) {
    // The server may have gone on behind the document of an interrupted statement, which is then sent again.
    if (error instanceof BatchInterrupted) await noteReordered(context, collection);
    throw error;
  }
}

async function writeOnce(
  context: Clusters & Records,
  collection: TrackedCollection,
  target: WriteTarget,
  { documents, ifPresent }: Ordered,
): Promise<void> {
  let run: KeyedDocument[] = [];
  for (const one of documents) {
    if (needsExactWrite(one.document)) {
      await insertRun(context, target, { documents: run, ifPresent });
      run = [];
      const isPresent = !(await insertExactly(context, target, one));
      // rule: capped-empty-timestamp
      if (isPresent && ifPresent === 'replace') await putLast(context, collection, target, one);
    } else run.push(one);
  }
  await insertRun(context, target, { documents: run, ifPresent });
}

/** A server processes a batch in order, and continues after a duplicate. */
async function insertRun({ fence }: Clusters, target: WriteTarget, { documents, ifPresent }: Ordered): Promise<void> {
  const present: KeyedDocument[] = [];
  const batch = DocumentBatch.of(documents.map(({ document }) => document));
  for (const error of await insertRaw(fence, target, batch)) {
    const existing = documents[error.index];
    if (existing === undefined || !isDuplicateId(error)) refuseWriteError(target, existing?.key, error);
    present.push(existing);
  }
  if (ifPresent === 'keep') return;
  const statements = present.map(({ key, document }) => replaceStatement(key, document));
  for (const error of await updateRaw(fence, target, statements)) {
    refuseWriteError(target, present[error.index]?.key, error);
  }
}

/** @returns false when a document with its key exists */
async function insertExactly(
  { fence }: Clusters,
  target: WriteTarget,
  { key, document }: KeyedDocument,
): Promise<boolean> {
  const [error] = await updateRaw(fence, target, [exactInsertStatement(key, document)]);
  if (error !== undefined && !isDuplicateId(error)) refuseWriteError(target, key, error);
  return error === undefined;
}

/**
 * Replaces a document that isn't the same. Secondaries change a document that is replaced in place, but not an inserted
 * one (docs/reference/pitfalls.md#pitfall-23). So it takes the last place, and the collection is copied again at the
 * cutover.
 */
async function putLast(
  context: Clusters & Records,
  collection: TrackedCollection,
  target: WriteTarget,
  one: KeyedDocument,
): Promise<void> {
  if ((await readPresent(context, target, one.key))?.equals(one.document)) return;
  await noteReordered(context, collection);
  const { errors } = await deleteRaw(context.fence, target, [one.key]);
  for (const error of errors) refuseWriteError(target, one.key, error);
  await insertExactly(context, target, one);
}

async function readPresent(
  { destination, fence }: Clusters,
  { database, name, uuid }: WriteTarget,
  { value }: DocumentKey,
): Promise<Buffer | undefined> {
  const [document] = await readAll(destination, database, {
    find: name,
    filter: { _id: { $eq: value } },
    limit: 1,
    collectionUUID: uuid,
    readConcern: fence.afterOwnWrites,
  });
  return document;
}
