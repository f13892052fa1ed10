import { BSON, type Document, MongoServerError } from 'mongodb';
import { DocumentBatch } from '../bson/document-batch.ts';
import { documentSequence } from '../bson/document-sequence.ts';
import type { Fence } from '../mongodb/fence.ts';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';
import { isDuplicateId, messages, type WriteError } from '../mongodb/raw-write.ts';

/** Few enough for one message, however large the recorded options and indexes are. */
const STATEMENTS_AT_A_TIME = 100;

/** Inserts records, or replaces those with the same `_id`. Durable when it returns. @throws UserError TAKEN_OVER */
export async function putRecords(fence: Fence, collection: string, records: readonly Document[]): Promise<void> {
  const updates = records.map((record) => ({ q: { _id: record._id }, u: record, upsert: true }));
  await updateRecords(fence, collection, updates);
}

/**
 * Updates records. Durable when it returns.
 * @param updates  each of one record
 * @returns how many records matched
 * @throws UserError TAKEN_OVER
 */
export async function updateRecords(fence: Fence, update: string, updates: readonly Document[]): Promise<number> {
  let matched = 0;
  for (let start = 0; start < updates.length; start += STATEMENTS_AT_A_TIME) {
    matched += await write(fence, { update, updates: updates.slice(start, start + STATEMENTS_AT_A_TIME) });
  }
  return matched;
}

/**
 * Adds records, however many and large, and keeps those that are already there. Durable when it returns.
 * @throws UserError TAKEN_OVER
 */
export async function addRecords(fence: Fence, insert: string, records: readonly Document[]): Promise<void> {
  const all = DocumentBatch.of(records.map((record) => Buffer.from(BSON.serialize(record))));
  for (const { batch } of messages(all)) {
    // rule: spool-batches-fit
    await write(fence, { insert, documents: documentSequence('documents', batch) });
  }
}

/** Removes a record. @param only  fields that it must also have @throws UserError TAKEN_OVER */
export async function removeRecord(fence: Fence, collection: string, id: unknown, only: Document = {}): Promise<void> {
  await removeRecords(fence, collection, [{ _id: id, ...only }]);
}

/** Removes one record for each query. @throws UserError TAKEN_OVER */
export async function removeRecords(fence: Fence, collection: string, queries: readonly Document[]): Promise<void> {
  const deletes = queries.map((q) => ({ q, limit: 1 }));
  for (let start = 0; start < deletes.length; start += STATEMENTS_AT_A_TIME)
    await write(fence, { delete: collection, deletes: deletes.slice(start, start + STATEMENTS_AT_A_TIME) });
}

async function write(fence: Fence, command: Document): Promise<number> {
  const reply = await fence.write(INTERNAL_DATABASE, {
    ...command,
    ordered: false,
    // rule: records-by-majority
    writeConcern: { w: 'majority', j: true },
  });
  const failed = ((reply.writeErrors ?? []) as WriteError[]).find((error) => !isDuplicateId(error));
  if (failed !== undefined) throw new MongoServerError({ message: failed.errmsg, ...failed });
  return Number(reply.n);
}
