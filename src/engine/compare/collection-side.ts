import type { Timestamp } from 'mongodb';
import type { DocumentKey } from '../bson/document-key.ts';
import type { RawBatch, RawCursor } from '../mongodb/raw-cursor.ts';
import type { DocumentReader } from './document-reader.ts';
import type { KeysRead } from './read-keys.ts';

/**
 * One side of a collection, as comparisons read it: what a majority has. Each read is repeated until its server has answered.
 * The errors are those of a collection that was dropped or moved.
 */
export interface CollectionSide<Time = Timestamp | undefined> extends DocumentReader {
  /**
   * Reads documents by their keys.
   * @param take  returns what to keep of a document
   * @param projection  the fields to read; all by default
   */
  readKeys<T>(
    keys: readonly DocumentKey[],
    take: (document: Buffer) => T,
    projection?: object,
  ): Promise<KeysRead<T, Time>>;
  /** Opens a cursor over its documents: a `find` with these fields. */
  find(fields: object): Promise<[RawCursor, RawBatch]>;
}

/** Both sides of a collection. */
export interface BothSides<Time = Timestamp | undefined> {
  readonly source: CollectionSide<Time>;
  readonly destination: CollectionSide<Time>;
}

/** The documents that both sides have for some keys. */
export interface BothRead<T, Time = Timestamp | undefined> {
  readonly source: KeysRead<T, Time>;
  readonly destination: KeysRead<T, Time>;
}

/** Reads the documents of keys on both sides at the same time. @param take  returns what to keep of a document */
export async function readBoth<T, Time>(
  { source, destination }: BothSides<Time>,
  keys: readonly DocumentKey[],
  take: (document: Buffer) => T,
): Promise<BothRead<T, Time>> {
  const [there, here] = await Promise.all([source.readKeys(keys, take), destination.readKeys(keys, take)]);
  return { source: there, destination: here };
}

export const ONLY_KEYS = { _id: 1 };

/** Returns the identities of those of the keys that a side has. */
export async function presentOf(
  side: CollectionSide<unknown>,
  keys: readonly DocumentKey[],
): Promise<ReadonlySet<string>> {
  const { found } = await side.readKeys(keys, () => true, ONLY_KEYS);
  return new Set(found.keys());
}
