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

export const ONLY_KEYS = { _id: 1 };

/** Returns the identities of those of the keys that a side has. */
export async function presentOf(
  side: CollectionSide<unknown>,
  keys: readonly DocumentKey[],
): Promise<ReadonlySet<string>> {
  const { found } = await side.readKeys(keys, () => true, ONLY_KEYS);
  return new Set(found.keys());
}
