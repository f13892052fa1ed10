import { createHash } from 'node:crypto';
import type { MongoClient, Timestamp } from 'mongodb';
import { keyBytes, keyOf } from '../bson/document-key.ts';
import { noteReordered } from '../catalog/note-reordered.ts';
import { collectionSize } from '../catalog/read-catalog.ts';
import type { TrackedCollection } from '../catalog/tracked-collection.ts';
import { latestTime } from '../cluster/cluster-time.ts';
import { onDestination, onSource } from '../cluster/moved.ts';
import { RawCursor, readAll } from '../cluster/raw-cursor.ts';
import { readInOrder } from '../copy/copy-partition.ts';
import { insertHeld } from '../copy/held-batch.ts';
import { emptyCollection } from '../copy/insert-documents.ts';
import type { EngineContext } from '../lifecycle/context.ts';

const KEYS_AT_A_TIME = 20_000;

/** One side of a collection, to be read in a state of that time or later. */
interface Side {
  readonly client: MongoClient;
  readonly database: string;
  readonly name: string;
  readonly time: Timestamp;
}

/**
 * What a capped collection discards is not in the stream, and each side discards by itself. So once nobody writes, its ends and its
 * count are compared; of one in which something was deleted, so that documents in the middle may have other places, all keys in their order.
 * One that differs is copied anew inside the write pause: its size is bounded by its nature [35].
 * @param advanced  called whenever a batch is done
 */
export async function settleCapped(context: EngineContext, advanced: () => void = () => undefined): Promise<void> {
  const capped = [...context.tracked.values()].filter(({ isCapped }) => isCapped);
  await Promise.all(capped.map((collection) => settle(context, collection, advanced)));
}

async function settle(context: EngineContext, collection: TrackedCollection, advanced: () => void): Promise<void> {
  const { source, destination, retrier, position } = context;
  const describe = (side: Side) => (collection.reordered ? order(side, advanced) : outline(side));
  const wanted = await onSource(context, collection, (name) =>
    describe({ client: source, database: collection.sourceDatabase, name, time: position.time }),
  );
  const time = await retrier.run('the destination', () => latestTime(destination, 'destination'));
  const present = await onDestination(context, collection, ({ database, name }) =>
    describe({ client: destination, database, name, time }),
  );
  if (wanted === present) return;
  context.logger.info({ namespace: collection.namespace }, 'The capped collection is copied anew');
  // Killed in between, a successor finds the rest in some order.
  await noteReordered(context, collection);
  await emptyCollection(context, collection);
  collection.readAfter = position.time;
  for await (const batch of readInOrder(context, collection)) {
    using _ = batch;
    await insertHeld(context, collection, batch);
    advanced();
  }
}

/** Its oldest and newest key, and how many documents it has. */
async function outline({ client, database, name, time }: Side): Promise<string> {
  const end = async (order: 1 | -1) => {
    const command = { find: name, hint: { $natural: order }, limit: 1, projection: { _id: 1 } };
    const readConcern = { level: 'majority', afterClusterTime: time };
    const [document] = await readAll(client, database, { ...command, readConcern });
    return document === undefined ? '' : keyBytes(keyOf(document)).toString('hex');
  };
  const { documents } = await collectionSize(client, database, name);
  return [documents, await end(1), await end(-1)].join('|');
}

/** A digest of all its keys in their order. */
async function order({ client, database, name, time }: Side, advanced: () => void): Promise<string> {
  const hash = createHash('sha256');
  const take = (documents: readonly Buffer[]) => {
    for (const document of documents) hash.update(document); // With its length before it.
    advanced();
  };
  const [cursor, first] = await RawCursor.open(client, database, {
    find: name,
    hint: { $natural: 1 },
    projection: { _id: 1 },
    batchSize: KEYS_AT_A_TIME,
    readConcern: { level: 'majority', afterClusterTime: time },
  });
  await using _ = cursor;
  take(first.documents);
  while (cursor.open) take((await cursor.next({ batchSize: KEYS_AT_A_TIME })).documents);
  return hash.digest('hex');
}
