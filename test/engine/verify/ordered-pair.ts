import { BSON, type Document, type MongoClient } from 'mongodb';
import { fieldsOf } from '../../../src/engine/catalog/fields.ts';
import { TrackedCollection } from '../../../src/engine/collections/tracked-collection.ts';
import { sourceFeatures } from '../../../src/engine/mongodb/server-features.ts';
import { isInOrder } from '../../../src/engine/verify/compare-order.ts';
import { takeMigration } from '../taken-migration.ts';
import { unconnectedContext } from '../unconnected-context.ts';

const DATABASE = 'shop';

/** The clients of two clusters. */
export interface Sides {
  readonly source: MongoClient;
  readonly destination: MongoClient;
}

/** Returns a function that compares the order of a capped collection as the verification of a migration does. */
export async function orderComparison(sides: Sides): Promise<(name: string) => Promise<boolean>> {
  const trackedOf = await trackedPair(sides);
  return async (name) => {
    const { context, collection } = await trackedOf(name);
    return await isInOrder(context, collection, () => true);
  };
}

/** Returns a function that makes a migration's view of a capped collection that both sides have. */
export async function trackedPair({ source, destination }: Sides) {
  const { fence } = await takeMigration(destination);
  const { version } = await source.db('admin').command({ buildInfo: 1 });
  return async (name: string) => {
    const entry = {
      database: DATABASE,
      name,
      type: 'collection',
      options: fieldsOf(Buffer.from(BSON.serialize({ capped: true }))),
    };
    const collection = new TrackedCollection({ ...entry, uuid: await uuidOf(source, name) }, entry);
    collection.destinationUuid = await uuidOf(destination, name);
    const { operationTime } = await source.db('admin').command({ ping: 1 });
    const position = { time: operationTime, sequence: 0 };
    const tracked = new Map([[collection.id, collection]]);
    const context = {
      ...unconnectedContext(AbortSignal.timeout(120_000)),
      source,
      sourceFeatures: sourceFeatures(version),
      destination,
      fence,
      position,
      tracked,
    };
    return { context, collection };
  };
}

async function uuidOf(client: MongoClient, name: string) {
  const [listed] = await client.db(DATABASE).listCollections({ name }).toArray();
  return (listed as Document).info.uuid;
}
