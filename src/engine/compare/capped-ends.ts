import type { MongoClient, UUID } from 'mongodb';
import { type DocumentKey, keyOf } from '../bson/document-key.ts';
import { readAll } from '../mongodb/raw-cursor.ts';

/** One side of a capped collection, and how current a read of it must be. */
interface CappedSide {
  readonly client: MongoClient;
  readonly database: string;
  readonly name: string;
  /** Without it, a missing collection would look empty. */
  readonly uuid: UUID | undefined;
  readonly readConcern: object;
}

/** Returns the key of the oldest (1) or the newest (-1) document of a capped collection; undefined when it is empty. */
export async function endOfCapped(side: CappedSide, order: 1 | -1): Promise<DocumentKey | undefined> {
  const [key] = await keysOfCapped(side, order, 1);
  return key;
}

/** Returns the keys of the oldest (1) or the newest (-1) documents of a capped collection, at most `limit`. */
export async function keysOfCapped(
  { client, database, name, uuid, readConcern }: CappedSide,
  order: 1 | -1,
  limit: number,
): Promise<readonly DocumentKey[]> {
  const find = { find: name, hint: { $natural: order }, limit, projection: { _id: 1 } };
  const pinned = uuid === undefined ? {} : { collectionUUID: uuid };
  return (await readAll(client, database, { ...find, ...pinned, readConcern })).map(keyOf);
}
