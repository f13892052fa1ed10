import type { MongoClient } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import { type RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import { type DocumentReader, type ReadFrom, readRange } from './document-reader.ts';
import type { KeyRange } from './key-range.ts';
import { type KeysRead, readKeys } from './read-keys.ts';

/**
 * One side of a collection, as comparisons read it: the state of a majority. Each read is repeated until its server has
 * answered. The errors are those of a collection that was dropped or moved.
 */
export interface CollectionSide extends DocumentReader {
  /**
   * Reads documents by their keys.
   * @param take  returns what to keep of a document
   * @param projection  the fields to read; all by default
   */
  readKeys<T>(keys: readonly DocumentKey[], take: (document: Buffer) => T, projection?: object): Promise<KeysRead<T>>;
  /** Opens a cursor over its documents: a `find` with these fields. */
  find(fields: object): Promise<[RawCursor, RawBatch]>;
}

/** How a side is read. */
interface SideReads {
  /** Repeats a read of the collection, as it is named and pinned then, until its server has answered. */
  readonly run: <T>(read: (from: ReadFrom) => Promise<T>) => Promise<T>;
  /** Checks a reply before it counts, as a part of the read. */
  readonly checkRange?: (range: KeyRange, batch: RawBatch) => Promise<void>;
  readonly checkKeys?: (read: KeysRead<unknown>) => Promise<void>;
}

/** Returns a side that reads by a client. */
export function collectionSide(client: MongoClient, { run, checkRange, checkKeys }: SideReads): CollectionSide {
  return {
    read: (range, limit) =>
      run(async (from) => {
        const batch = await readRange(client, from, range, limit);
        await checkRange?.(range, batch);
        return batch;
      }),
    readKeys: (keys, take, projection = {}) =>
      run(async (from) => {
        const read = await readKeys(client, { ...from, projection }, keys, take);
        await checkKeys?.(read);
        return read;
      }),
    find: (fields) =>
      run(({ database, name, uuid, readConcern }) => {
        const pinned = uuid === undefined ? {} : { collectionUUID: uuid };
        return RawCursor.open(client, database, { find: name, ...fields, ...pinned, readConcern });
      }),
  };
}

/** Both sides of a collection. */
export interface BothSides {
  readonly source: CollectionSide;
  readonly destination: CollectionSide;
}

/** The documents that both sides have for some keys. */
export interface BothRead<T> {
  readonly source: KeysRead<T>;
  readonly destination: KeysRead<T>;
}

/** Reads the documents of keys on both sides at the same time. */
export async function readBoth<T>(
  { source, destination }: BothSides,
  ...read: [keys: readonly DocumentKey[], take: (document: Buffer) => T, projection?: object]
): Promise<BothRead<T>> {
  const [there, here] = await Promise.all([source.readKeys(...read), destination.readKeys(...read)]);
  return { source: there, destination: here };
}

export const ONLY_KEYS = { _id: 1 };

/** Returns the identities of those of the keys that a side has. */
export async function presentOf(side: CollectionSide, keys: readonly DocumentKey[]): Promise<ReadonlySet<string>> {
  const { found } = await side.readKeys(keys, () => true, ONLY_KEYS);
  return new Set(found.keys());
}
