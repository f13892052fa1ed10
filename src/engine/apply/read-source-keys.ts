import type { Timestamp } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import { type MovedParts, onSource, pinTo } from '../collections/moved.ts';
import type { TrackedCollection } from '../collections/tracked-collection.ts';
import { ONLY_KEYS } from '../compare/collection-side.ts';
import { type KeysRead, readKeys } from '../compare/read-keys.ts';
import { operationTimeOf } from '../mongodb/cluster-time.ts';
import type { StreamPosition } from './stream-position.ts';

/** The parts of a run that reading keys of the source needs. */
export interface ReadSourceKeysParts extends MovedParts {
  readonly position: StreamPosition;
}

/**
 * Reads the source's documents of keys, at or after everything dispatched. Returns what `take` makes of each.
 * @throws CollectionDropped, CollectionMissing
 */
export async function readSourceKeys<T>(
  parts: ReadSourceKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
  projection = {},
): Promise<KeysRead<T, Timestamp>> {
  const { isClustered, sourceDatabase: database } = collection;
  const { collectionUUID: uuid } = pinTo(parts, collection);
  const readConcern = { level: 'majority', afterClusterTime: parts.position.time };
  const select = (query: object) => collection.selected(query);
  return await onSource(parts, collection, async (name) => {
    const from = { database, name, uuid, select, isClustered, readConcern, projection };
    const read = await readKeys(parts.source, from, keys, take);
    return { ...read, time: operationTimeOf({ operationTime: read.time }, 'source') };
  });
}

/** Returns the identities of the keys that the source has. @throws CollectionDropped, CollectionMissing */
export async function keysOfSource(
  parts: ReadSourceKeysParts,
  collection: TrackedCollection,
  keys: readonly DocumentKey[],
): Promise<ReadonlySet<string>> {
  const { found } = await readSourceKeys(parts, collection, keys, () => true, ONLY_KEYS);
  return new Set(found.keys());
}
