import type { Timestamp } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { findCollatedKey, findRepeatedKey, refuseRepeatedKey } from '../mongodb/repeated-ids.ts';
import { isSharded } from '../mongodb/sharding.ts';
import type { Clusters, Pace } from '../records/context.ts';
import { onSource, pinTo } from './moved.ts';
import type { TrackedCollection } from './tracked-collection.ts';

/**
 * Refuses documents of one read that have the same `_id`. Each shard makes sure that an `_id` is unique there only. The
 * destination can hold one of them, and an insert of the second one would look like a repetition.
 * @param documents  a read's result at or after `readAfter`. Documents that were written later have changes of their own
 * @param previous  the key that the read came to before these documents
 * @throws RepeatedId
 * @throws NotNow, which is transient, when the read met one document twice, because it moved to another shard meanwhile
 */
export async function refuseRepeatedIds(
  context: Clusters & Pace,
  collection: TrackedCollection,
  documents: Iterable<Buffer>,
  readAfter: Timestamp | null,
  previous?: DocumentKey,
): Promise<void> {
  if (!mayRepeatIds(context, collection)) return;
  const key = findRepeatedKey(documents, previous) ?? (await findTwin(context, collection, documents, readAfter));
  if (key === undefined) return;
  await refuseRepeatedId(context, collection, key, readAfter);
  throw new NotNow(`a document of ${collection.namespace} moves to another shard`);
}

/** Returns a key of these documents that another shard's key equals under the collation. The two may be in different reads. */
async function findTwin(
  context: Clusters & Pace,
  collection: TrackedCollection,
  documents: Iterable<Buffer>,
  readAfter: Timestamp | null,
): Promise<DocumentKey | undefined> {
  if (!collection.hasCollation) return undefined;
  const keys = Array.from(documents, keyOf);
  const { collectionUUID: uuid } = pinTo(context, collection);
  const { sourceDatabase: database } = collection;
  const time = { from: readAfter ?? undefined };
  return await onSource(context, collection, (name) =>
    findCollatedKey(context.source, { database, name, uuid }, keys, time),
  );
}

/**
 * Refuses a key that two shards have. A read that continues after a key has to ask: the second document is not after it.
 * @param readAfter  both documents are found if they were written before
 * @throws RepeatedId
 */
export async function refuseRepeatedId(
  context: Clusters & Pace,
  collection: TrackedCollection,
  key: DocumentKey,
  readAfter: Timestamp | null,
): Promise<void> {
  const { source } = context;
  if (!mayRepeatIds(context, collection)) return;
  const { collectionUUID: uuid } = pinTo(context, collection);
  await onSource(context, collection, (name) =>
    refuseRepeatedKey(
      source,
      { database: collection.sourceDatabase, name, uuid, hasCollation: collection.hasCollation },
      key,
      { from: readAfter ?? undefined },
    ),
  );
}

/** Whether two shards may have one `_id`. A capped collection can't be sharded, nor be read at the time of a snapshot. */
function mayRepeatIds({ source }: Clusters, { isCapped }: TrackedCollection): boolean {
  // rule: sharded-capped-without-snapshot
  return isSharded(source) && !isCapped;
}
