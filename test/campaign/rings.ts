import type { Document, MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

const DATABASE = 'rings';
const SMALL = { capped: true, size: 65_536, max: 40 } as const;
const LARGE = { capped: true, size: 4_194_304 } as const;
const KEYS = 60;

/** Writes to capped collections whose order must be migrated: deletes documents and inserts them again, in place or at the end. */
export function rings(client: MongoClient, random: SeededRandom, { drops }: { readonly drops: boolean }): WriteStep {
  const database = client.db(DATABASE);
  return async () => {
    const name = random.pick(['small', 'large']);
    const ring = database.collection<{ _id: number; v: number }>(name);
    const _id = random.integer(KEYS);
    const v = random.integer(100);
    switch (random.weighted({ insert: 4, again: 8, update: 3, remove: 2, create: 1, drop: drops ? 0.2 : 0 })) {
      case 'insert':
        return await ring.insertMany(Array.from({ length: 5 }, (_, n) => ({ _id: (_id + n) % KEYS, v })));
      case 'again':
        return await ring.bulkWrite([
          { deleteOne: { filter: { _id } } },
          { insertOne: { document: { _id, v } } },
          { insertOne: { document: { _id: (_id + KEYS / 2) % KEYS, v } } },
        ]);
      case 'update':
        return await ring.updateOne({ _id }, { $set: { v } });
      case 'remove':
        return await ring.deleteOne({ _id });
      case 'create':
        return await database.createCollection(name, name === 'small' ? SMALL : LARGE);
      case 'drop':
        return await ring.drop();
    }
  };
}

/** Creates both collections with their first documents. */
export async function fillRings(client: MongoClient): Promise<void> {
  for (const [name, options] of [
    ['small', SMALL],
    ['large', LARGE],
  ] as const) {
    const ring = await client.db(DATABASE).createCollection<Document>(name, options);
    await ring.insertMany(Array.from({ length: KEYS / 2 }, (_, n) => ({ _id: n as never, v: 0 })));
  }
}
