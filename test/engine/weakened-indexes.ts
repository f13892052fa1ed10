import type { ReplicaSet } from '../support/replica-set.ts';
import { numbered } from '../support/seeds.ts';

/** Inserts documents into `shop.items`, with the indexes that a migration weakens until its end. */
export async function seedIndexed({ client }: ReplicaSet): Promise<void> {
  const items = client.db('shop').collection('items');
  await items.createIndex({ n: 1 }, { unique: true });
  await items.createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  await items.insertMany(numbered(10));
}

/** Whether users can't write to the side, and which of its indexes are as {@link seedIndexed} made them. */
export async function standingOf({ client }: ReplicaSet) {
  const { repl } = await client.db('admin').command({ serverStatus: 1, repl: 1 });
  const indexes = await client.db('shop').collection('items').listIndexes().toArray();
  return {
    blocked: repl.userWriteBlockMode === 2,
    unique: indexes.some(({ unique }) => unique === true),
    expires: indexes.some(({ expireAfterSeconds }) => expireAfterSeconds === 3_600),
  };
}

/** The standing of a side whose cutover is finished. */
export const FINISHED = { blocked: false, unique: true, expires: true };
