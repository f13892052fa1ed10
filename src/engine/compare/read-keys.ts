import { hash } from 'node:crypto';
import type { MongoClient, Timestamp } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { isBefore } from '../mongodb/cluster-time.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { ReadFrom } from './document-reader.ts';
import { readByKeys } from './read-by-keys.ts';

/** The documents that one side has for some keys. */
export interface KeysRead<T> {
  /** By identity of the key. Keys without a document are absent. */
  readonly found: ReadonlyMap<string, T>;
  /** The time of the server's latest operation when it answered last. A server that has just started may omit it. */
  readonly time: Timestamp | undefined;
  /** A key with two documents, which two shards may have. */
  readonly repeated: DocumentKey | undefined;
}

/** Reads the documents of keys once, one reply at a time. Returns what `take` makes of each. The caller retries. */
export async function readKeys<T>(
  client: MongoClient,
  { database, name, uuid, isClustered, select = (query) => query, readConcern, projection = {} }: ReadFrom,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
): Promise<KeysRead<T>> {
  const wanted = new Set(keys.map(({ identity }) => identity));
  const found = new Map<string, T>();
  let repeated: DocumentKey | undefined;
  const pinned = uuid === undefined ? {} : { collectionUUID: uuid };
  const times = await readByKeys(keys, isClustered, async (filter) => {
    const command = { find: name, filter: select(filter), projection, ...pinned, readConcern };
    const [cursor, first] = await RawCursor.open(client, database, command);
    await using _ = cursor;
    // A collation may find documents of other keys, and one by several keys.
    const met = new Set<string>();
    let batch = first;
    while (true) {
      for (const document of batch.documents) {
        const key = keyOf(document);
        if (met.has(key.identity)) repeated = key;
        met.add(key.identity);
        if (wanted.has(key.identity)) found.set(key.identity, take(document));
      }
      if (!cursor.open) return batch.operationTime;
      batch = await cursor.next();
    }
  });
  return { found, time: latestOf(times), repeated };
}

function latestOf(times: readonly (Timestamp | undefined)[]): Timestamp | undefined {
  return times.reduce(
    (latest, time) => (latest && time && isBefore(latest, time) ? time : (latest ?? time)),
    undefined,
  );
}

/** Returns SHA-256 of a document: all that is kept of it in memory while it is compared. */
export function hashOf(document: Buffer): string {
  return hash('sha256', document, 'base64');
}
