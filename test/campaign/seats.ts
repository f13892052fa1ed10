import type { MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { WriteStep } from './writer-loop.ts';

/** The number of documents that pass the values of a unique index to each other. */
export const SEATS = 60;

interface Seat {
  readonly _id: number;
  readonly seat: number;
}

/** Creates `shop.seats` with its index. */
export async function fillSeats(source: MongoClient): Promise<void> {
  const seats = source.db('shop').collection<Seat>('seats');
  await seats.createIndex({ seat: 1 }, { unique: true });
  await seats.insertMany(Array.from({ length: SEATS }, (_, n) => ({ _id: n, seat: n })));
}

/** Has documents of `shop.seats` take the seats that others have just left. */
export function passSeats(client: MongoClient, random: SeededRandom): WriteStep {
  const seats = client.db('shop').collection<Seat>('seats');
  let free = -1 - random.integer(1_000_000);
  return async () => {
    const _id = random.integer(SEATS);
    try {
      if (random.next() < 0.1) await seats.deleteOne({ _id });
      const before = await seats.findOneAndUpdate({ _id }, { $set: { seat: free } }, { upsert: true });
      free = before?.seat ?? free - 1;
    } catch (error) {
      // The side refuses writes, or another client sits there: another value is free.
      free = -1 - random.integer(1_000_000);
      throw error;
    }
  };
}
