import { writeInOrder } from '../apply/write-in-order.ts';
import { DocumentBatch } from '../bson/document-batch.ts';
import { keyOf } from '../bson/document-key.ts';
import { exactWrites } from '../bson/exact-write.ts';
import { onDestination } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { readKeys } from '../compare/read-keys.ts';
import {
  deleteAll,
  exactInsertStatement,
  insertRaw,
  isDuplicateId,
  refuseWriteError,
  updateRaw,
} from '../mongodb/raw-write.ts';
import type { Clusters, Pace, Records } from '../records/context.ts';

/**
 * Inserts documents of the copy. It never overwrites one, because an existing document is from an earlier attempt or
 * newer (docs/reference/pitfalls.md#pitfall-6). Acknowledged by the majority when it returns.
 */
export async function insertDocuments(
  context: Clusters & Records & Pace,
  collection: TrackedCollection,
  documents: DocumentBatch,
): Promise<void> {
  if (collection.isCapped) {
    const keyed = Array.from(documents, (document) => ({ key: keyOf(document), document }));
    await onDestination(context, collection, (target) =>
      writeInOrder(context, collection, target, { documents: keyed, ifPresent: 'keep' }),
    );
    return;
  }
  const { plain, exact } = parted(documents);
  await onDestination(context, collection, async (target) => {
    for (const error of await insertRaw(context.fence, target, plain)) {
      if (!isDuplicateId(error)) refuseWriteError(target, keyAt(plain, error.index), error);
    }
    const statements = Array.from(exact, (document) => exactInsertStatement(keyOf(document), document));
    for (const error of await updateRaw(context.fence, target, statements)) {
      if (!isDuplicateId(error)) refuseWriteError(target, keyAt(exact, error.index), error);
    }
  });
}

/** Returns those documents of a batch that the destination doesn't have, by their keys. */
export async function absentFrom(
  context: Clusters & Pace,
  collection: TrackedCollection,
  documents: DocumentBatch,
): Promise<DocumentBatch> {
  const keyed = Array.from(documents, (document) => ({ key: keyOf(document), document }));
  const keys = keyed.map(({ key }) => key);
  const { found } = await onDestination(context, collection, (target) => {
    const { isClustered } = collection;
    const from = { ...target, isClustered, readConcern: context.fence.afterOwnWrites, projection: { _id: 1 } };
    return readKeys(context.fence.client, from, keys, () => true);
  });
  const absent = keyed.filter(({ key }) => !found.has(key.identity));
  return DocumentBatch.of(absent.map(({ document }) => document));
}

/** Removes all documents of a collection from the destination, before it is copied again. */
export async function emptyCollection(context: Clusters & Pace, collection: TrackedCollection): Promise<void> {
  await onDestination(context, collection, async (target) => {
    for (const error of await deleteAll(context.fence, target)) refuseWriteError(target, undefined, error);
  });
}

/** Almost always all documents are plain. */
function parted(documents: DocumentBatch): { readonly plain: DocumentBatch; readonly exact: DocumentBatch } {
  const exact = new Set(exactWrites(documents));
  if (exact.size === 0) return { plain: documents, exact: DocumentBatch.EMPTY };
  const all = [...documents];
  return {
    plain: DocumentBatch.of(all.filter((_, index) => !exact.has(index))),
    exact: DocumentBatch.of(all.filter((_, index) => exact.has(index))),
  };
}

function keyAt(documents: DocumentBatch, index: number) {
  const document = documents.at(index);
  return document === undefined ? undefined : keyOf(document);
}
