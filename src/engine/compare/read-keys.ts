import { hash } from 'node:crypto';
import type { Document, MongoClient, Timestamp, UUID } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { ReadFrom } from './document-reader.ts';

/** The documents that one side has for some keys. */
export interface KeysRead<T> {
  /** By identity of the key. Keys without a document are absent. */
  readonly found: ReadonlyMap<string, T>;
  /** The time of the server's latest operation when it answered last. */
  readonly time: Timestamp | undefined;
  /** A key with two documents, which two shards may have. */
  readonly repeated: DocumentKey | undefined;
}

/** Reads the documents of keys once, one reply at a time. Returns what `take` makes of each. The caller retries. */
export async function readKeys<T>(
  client: MongoClient,
  { database, name, uuid, select = (query) => query, readConcern, projection = {} }: ReadFrom,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
): Promise<KeysRead<T>> {
  const wanted = new Set(keys.map(({ identity }) => identity));
  const values = array(keys.map(({ value }) => value));
  const found = new Map<string, T>();
  let repeated: DocumentKey | undefined;
  const [cursor, first] = await RawCursor.open(client, database, {
    find: name,
    filter: select({ _id: { $in: new RawValue(BSON_TYPE.array, values) } }),
    projection,
    ...pinnedTo(uuid),
    readConcern,
  });
  await using _ = cursor;
  let batch = first;
  while (true) {
    for (const document of batch.documents) {
      // A collation may find documents of other keys.
      const key = keyOf(document);
      if (found.has(key.identity)) repeated = key;
      if (wanted.has(key.identity)) found.set(key.identity, take(document));
    }
    if (!cursor.open) return { found, time: batch.operationTime, repeated };
    batch = await cursor.next();
  }
}

/** Returns SHA-256 of a document: what is left of it in memory while it is compared. */
export function hashOf(document: Buffer): string {
  return hash('sha256', document, 'base64');
}

function pinnedTo(uuid: UUID | undefined): Document {
  return uuid === undefined ? {} : { collectionUUID: uuid };
}
