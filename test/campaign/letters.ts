import type { MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

/** Names that differ only by case. A server accepts one of them at a time. */
const SPELLINGS = ['letters', 'Letters', 'LETTERS'];

/** Drops a database and creates it again with a name that differs only by case. */
export function letters(client: MongoClient, random: SeededRandom): WriteStep {
  let current = SPELLINGS[0] ?? '';
  return async () => {
    if (random.next() < 0.15) {
      await client.db(current).dropDatabase();
      current = random.pick(SPELLINGS);
    }
    await client
      .db(current)
      .collection('c')
      .insertOne({ n: random.integer(100) });
  };
}
