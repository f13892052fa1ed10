import { type WriteInOrderParts, writeInOrder } from '../apply/write-in-order.ts';
import { keyOf } from '../bson/document-key.ts';
import { needsExactWrite } from '../bson/exact-write.ts';
import { type MovedParts, onDestination } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import {
  deleteAll,
  exactInsertStatement,
  insertRaw,
  isDuplicateId,
  refuseWriteError,
  updateRaw,
} from '../mongodb/raw-write.ts';

/** The parts of a run that inserting documents needs. */
export type InsertDocumentsParts = MovedParts & WriteInOrderParts;

/**
 * Inserts documents of the copy. It never overwrites one, because an existing document is from an earlier attempt or
 * newer (docs/reference/pitfalls.md#pitfall-6). Acknowledged by the majority when it returns.
 */
export async function insertDocuments(
  context: InsertDocumentsParts,
  collection: TrackedCollection,
  documents: readonly Buffer[],
): Promise<void> {
  if (collection.isCapped) {
    const keyed = documents.map((document) => ({ key: keyOf(document), document }));
    await onDestination(context, collection, (target) =>
      writeInOrder(context, collection, target, { documents: keyed, ifPresent: 'keep' }),
    );
    return;
  }
  const plain: Buffer[] = [];
  const exact: Buffer[] = [];
  for (const document of documents) (needsExactWrite(document) ? exact : plain).push(document);

  await onDestination(context, collection, async (target) => {
    for (const error of await insertRaw(context.fence, target, plain)) {
      if (!isDuplicateId(error)) refuseWriteError(target, keyAt(plain, error.index), error);
    }
    const statements = exact.map((document) => exactInsertStatement(keyOf(document), document));
    for (const error of await updateRaw(context.fence, target, statements)) {
      if (!isDuplicateId(error)) refuseWriteError(target, keyAt(exact, error.index), error);
    }
  });
}

/** Removes all documents of a collection from the destination, before it is copied again. */
export async function emptyCollection(context: InsertDocumentsParts, collection: TrackedCollection): Promise<void> {
  await onDestination(context, collection, async (target) => {
    for (const error of await deleteAll(context.fence, target)) refuseWriteError(target, undefined, error);
  });
}

function keyAt(documents: readonly Buffer[], index: number) {
  const document = documents[index];
  return document === undefined ? undefined : keyOf(document);
}
