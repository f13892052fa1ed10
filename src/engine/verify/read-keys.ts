import { createHash } from 'node:crypto';
import type { Document, MongoClient, Timestamp } from 'mongodb';
import type { StreamPosition } from '../apply/stream-position.ts';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { type MovedParts, onDestination, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import type { Fence } from '../mongodb/fence.ts';
import { RawCursor } from '../mongodb/raw-cursor.ts';
import type { Side } from '../mongodb/side.ts';

/** The parts of a run that reading keys of both sides needs. */
export interface ReadKeysParts extends MovedParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
  readonly position: StreamPosition;
}

/** The documents that one side has of some keys. */
export interface KeysRead<T> {
  /** By identity of the key. Keys without a document are absent. */
  readonly found: ReadonlyMap<string, T>;
  /** The server's time after the read. */
  readonly time: Timestamp;
}

/** Returns the SHA-256 of the source's document of each key. @throws CollectionDropped, CollectionMissing */
export async function hashesOfSource(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<KeysRead<string>> {
  return await readSourceKeys(parts, collection, keys, hashOf);
}

/** Returns the SHA-256 of the destination's document of each key. @throws CollectionDropped */
export async function hashesOfDestination(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<KeysRead<string>> {
  return await readDestinationKeys(parts, collection, keys, hashOf);
}

/** Returns the source's document of a key; undefined when it has none. */
export async function documentOfSource(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  key: DocumentKey,
): Promise<{ readonly document: Buffer | undefined; readonly time: Timestamp }> {
  const { found, time } = await readSourceKeys(parts, collection, [key], (document) => document);
  return { document: found.get(key.identity), time };
}

/** Returns the destination's document of a key; undefined when it has none. */
export async function documentOfDestination(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  key: DocumentKey,
): Promise<{ readonly document: Buffer | undefined; readonly time: Timestamp }> {
  const { found, time } = await readDestinationKeys(parts, collection, [key], (document) => document);
  return { document: found.get(key.identity), time };
}

async function readSourceKeys<T>(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
): Promise<KeysRead<T>> {
  return await onSource(parts, collection, (name) =>
    readKeys(parts.source, 'source', collection.sourceDatabase, take, {
      find: name,
      filter: collection.selected(among(keys)),
      ...pinTo(parts, collection),
      readConcern: { level: 'majority', afterClusterTime: parts.position.time },
    }),
  );
}

async function readDestinationKeys<T>(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
): Promise<KeysRead<T>> {
  return await onDestination(parts, collection, ({ database, name, uuid }) =>
    readKeys(parts.destination, 'destination', database, take, {
      find: name,
      filter: among(keys),
      collectionUUID: uuid,
      // The read sees all writes of the lanes, whichever member answers.
      readConcern: parts.fence.afterOwnWrites,
    }),
  );
}

/** Holds one reply at a time, however large the documents are. */
async function readKeys<T>(
  client: MongoClient,
  side: Side,
  database: string,
  take: (document: Buffer) => T,
  command: Document,
): Promise<KeysRead<T>> {
  const found = new Map<string, T>();
  const [cursor, first] = await RawCursor.open(client, database, command);
  await using _ = cursor;
  let batch = first;
  while (true) {
    for (const document of batch.documents) found.set(keyOf(document).identity, take(document));
    if (!cursor.open) return { found, time: operationTimeOf(batch, side) };
    batch = await cursor.next();
  }
}

function among(keys: readonly DocumentKey[]): Document {
  return { _id: { $in: new RawValue(BSON_TYPE.array, array(keys.map(({ value }) => value))) } };
}

function hashOf(document: Buffer): string {
  return createHash('sha256').update(document).digest('base64');
}
