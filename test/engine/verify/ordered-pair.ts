import type { Document, MongoClient } from 'mongodb';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { isInOrder } from '../../../src/engine/verify/compare-order.ts';
import { takeMigration } from '../taken-migration.ts';
import { unconnectedParts } from '../unconnected-parts.ts';

const DATABASE = 'shop';

/** The clients of two clusters. */
export interface Sides {
  readonly source: MongoClient;
  readonly destination: MongoClient;
}

/** Returns a function that compares the order of a capped collection as the verification of a migration does. */
export async function orderComparison({ source, destination }: Sides): Promise<(name: string) => Promise<boolean>> {
  const { fence } = await takeMigration(destination);
  return async (name) => {
    const entry = { database: DATABASE, name, type: 'collection', options: new Map() };
    const collection = new TrackedCollection({ ...entry, uuid: await uuidOf(source, name) }, entry);
    collection.destinationUuid = await uuidOf(destination, name);
    const { operationTime } = await source.db('admin').command({ ping: 1 });
    const parts = unconnectedParts(AbortSignal.timeout(120_000));
    const position = { time: operationTime, sequence: 0 };
    return await isInOrder({ ...parts, source, destination, fence, position }, collection, () => true);
  };
}

async function uuidOf(client: MongoClient, name: string) {
  const [listed] = await client.db(DATABASE).listCollections({ name }).toArray();
  return (listed as Document).info.uuid;
}
