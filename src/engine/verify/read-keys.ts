import type { MongoClient, Timestamp } from 'mongodb';
import { type Found, ONLY_KEYS, type ReadSourceKeysParts, readSourceKeys } from '../apply/read-source-keys.ts';
import type { DocumentKey } from '../bson/document-key.ts';
import { onDestination } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { hashOf, readKeys } from '../compare/read-keys.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import type { Fence } from '../mongodb/fence.ts';

/** The parts of a run that reading keys of both sides needs. */
export interface ReadKeysParts extends ReadSourceKeysParts {
  readonly destination: MongoClient;
  readonly fence: Fence;
}

/** Returns the SHA-256 of the source's document of each key. @throws CollectionDropped, CollectionMissing */
export async function hashesOfSource(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<Found<string>> {
  return await readSourceKeys(parts, collection, keys, hashOf);
}

/** Returns the SHA-256 of the destination's document of each key. @throws CollectionDropped */
export async function hashesOfDestination(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<Found<string>> {
  return await readDestination(parts, collection, keys, hashOf);
}

/** Returns the identities of the keys that the destination has. @throws CollectionDropped */
export async function keysOfDestination(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<ReadonlySet<string>> {
  const { found } = await readDestination(parts, collection, keys, () => true, ONLY_KEYS);
  return new Set(found.keys());
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
  const { found, time } = await readDestination(parts, collection, [key], (document) => document);
  return { document: found.get(key.identity), time };
}

async function readDestination<T>(
  parts: ReadKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
  projection = {},
): Promise<Found<T>> {
  const { isClustered } = collection;
  return await onDestination(parts, collection, async ({ database, name, uuid }) => {
    // The read sees all writes of the lanes, whichever member answers.
    const from = { database, name, uuid, isClustered, readConcern: parts.fence.afterOwnWrites, projection };
    const { found, time } = await readKeys(parts.destination, from, keys, take);
    return { found, time: operationTimeOf({ operationTime: time }, 'destination') };
  });
}
