import type { MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

const DATABASE = 'extra';
const NAMES = ['a', 'b', 'c'];
const KEYS = [{ _id: 'hashed' }, { _id: 1 }, { n: 1 }] as const;
const DOCUMENTS = 30;

/** Creates, fills, renames, reshards and drops sharded collections, and moves the unsharded ones of their database. */
export function shardedCatalog(client: MongoClient, shards: readonly string[], random: SeededRandom): WriteStep {
  const admin = client.db('admin');
  const database = client.db(DATABASE);
  return async () => {
    const name = random.pick(NAMES);
    const namespace = `${DATABASE}.${name}`;
    const key = random.pick(KEYS);
    const collection = database.collection<{ _id: number; n: number }>(name);
    const _id = random.integer(DOCUMENTS);
    switch (
      random.weighted({ shard: 4, put: 12, rename: 2, drop: 2, reshard: 1, refine: 1, movePrimary: 1, empty: 0.3 })
    ) {
      case 'shard':
        await admin.command({ shardCollection: namespace, key });
        return await collection.insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n, n })));
      case 'put':
        return await collection.updateOne({ _id, n: _id }, { $set: { at: new Date() } }, { upsert: true });
      case 'rename':
        return await admin.command({ renameCollection: namespace, to: `${DATABASE}.${random.pick(NAMES)}` });
      case 'drop':
        return await collection.drop();
      case 'reshard':
        return await admin.command({ reshardCollection: namespace, key });
      case 'refine':
        await collection.createIndex({ n: 1, _id: 1 });
        return await admin.command({ refineCollectionShardKey: namespace, key: { n: 1, _id: 1 } });
      case 'movePrimary':
        return await admin.command({ movePrimary: DATABASE, to: random.pick(shards) });
      case 'empty':
        return await database.dropDatabase();
    }
  };
}
