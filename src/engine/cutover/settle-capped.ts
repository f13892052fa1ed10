import type { MongoClient } from 'mongodb';
import { keyOf } from '../bson/document-key.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import { onDestination, onSource } from '../cluster/moved.ts';
import { readAll } from '../cluster/raw-cursor.ts';
import { readInOrder } from '../copy/copy-partition.ts';
import { insertHeld } from '../copy/held-batch.ts';
import { emptyCollection } from '../copy/insert-documents.ts';
import type { EngineContext } from '../lifecycle/context.ts';

/**
 * What a capped collection discards is not in the stream, and each side discards by itself. So once nobody writes, its ends and its
 * count are compared, and one that differs is copied anew inside the write pause: its size is bounded by its nature [35].
 * @param advanced  called whenever a batch is done
 * @returns whether none differed
 */
export async function settleCapped(context: EngineContext, advanced: () => void): Promise<boolean> {
  const capped = [...context.tracked.values()].filter(({ isCapped }) => isCapped);
  const equal = await Promise.all(capped.map((collection) => settle(context, collection, advanced)));
  return !equal.includes(false);
}

async function settle(context: EngineContext, collection: TrackedCollection, advanced: () => void): Promise<boolean> {
  const wanted = await onSource(context, collection, (name) =>
    outline(context.source, collection.sourceDatabase, name),
  );
  const present = await onDestination(context, collection, ({ database, name }) =>
    outline(context.destination, database, name),
  );
  if (wanted === present) return true;
  context.logger.info({ namespace: collection.namespace }, 'The capped collection is copied anew');
  await emptyCollection(context, collection);
  for await (const batch of readInOrder(context, collection)) {
    using _ = batch;
    await insertHeld(context, collection, batch);
    advanced();
  }
  return false;
}

/** Its oldest and newest key, and how many documents it has. */
async function outline(client: MongoClient, database: string, name: string): Promise<string> {
  const end = async (order: 1 | -1) => {
    const command = { find: name, hint: { $natural: order }, limit: 1, projection: { _id: 1 } };
    const [document] = await readAll(client, database, { ...command, readConcern: { level: 'majority' } });
    return document === undefined ? '' : keyOf(document).identity;
  };
  const { documents } = await collectionSize(client, database, name);
  return [documents, await end(1), await end(-1)].join('|');
}
