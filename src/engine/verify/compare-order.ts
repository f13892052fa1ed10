import type { MongoClient } from 'mongodb';
import { keyOf } from '../bson/document-key.ts';
import { onDestination, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { ReadKeysParts } from './read-keys.ts';

const KEYS_AT_A_TIME = 20_000;

/**
 * Whether the documents that both sides of a capped collection have are in the same order, and none between them is
 * missing on one side. Each side discards its oldest documents by itself, and the newest may be under way, so the ends
 * don't count. Holds the identity of every key of both sides.
 * @throws CollectionDropped, CollectionMissing
 */
export async function isInOrder(parts: ReadKeysParts, collection: TrackedCollection): Promise<boolean> {
  const { source, destination, fence, position } = parts;
  const wanted = await onSource(parts, collection, (name) =>
    readOrder(source, collection.sourceDatabase, {
      find: name,
      ...pinTo(parts, collection),
      readConcern: { level: 'majority', afterClusterTime: position.time },
    }),
  );
  const present = await onDestination(parts, collection, ({ database, name, uuid }) =>
    readOrder(destination, database, { find: name, collectionUUID: uuid, readConcern: fence.afterOwnWrites }),
  );
  const [inner, others] = [between(wanted, new Set(present)), between(present, new Set(wanted))];
  return inner.length === others.length && inner.every((identity, index) => identity === others[index]);
}

/** Returns the keys from the first to the last one that the other side has, too. */
function between(keys: readonly string[], others: ReadonlySet<string>): readonly string[] {
  const first = keys.findIndex((key) => others.has(key));
  return first < 0 ? [] : keys.slice(first, keys.findLastIndex((key) => others.has(key)) + 1);
}

async function readOrder(client: MongoClient, database: string, find: object): Promise<string[]> {
  const options = { hint: { $natural: 1 }, projection: { _id: 1 }, batchSize: KEYS_AT_A_TIME };
  const keys: string[] = [];
  const [cursor, first] = await RawCursor.open(client, database, { ...find, ...options });
  await using _ = cursor;
  for (let batch = first; ; batch = await cursor.next({ batchSize: KEYS_AT_A_TIME })) {
    for (const document of batch.documents) keys.push(keyOf(document).identity);
    if (!cursor.open) return keys;
  }
}
