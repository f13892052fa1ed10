import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import type { SeededRandom } from '../support/seeded-random.ts';

/** The number of documents that pass the values of a unique index to each other. */
export const SEATS = 60;
const BETWEEN_STEPS_MS = 5;

/** Has documents of `shop.seats` take the seats that others have just left, as long as the side accepts writes. */
export async function passSeats(client: MongoClient, random: SeededRandom, signal: AbortSignal): Promise<void> {
  const seats = client.db('shop').collection<{ _id: number; seat: number }>('seats');
  let free = -1 - random.integer(1_000_000);
  while (!signal.aborted) {
    const _id = random.integer(SEATS);
    try {
      if (random.next() < 0.1) await seats.deleteOne({ _id });
      const before = await seats.findOneAndUpdate({ _id }, { $set: { seat: free } }, { upsert: true });
      free = before?.seat ?? free - 1;
    } catch {
      // The side refuses writes, or somebody sits there: another value is free.
      free = -1 - random.integer(1_000_000);
    }
    await delay(BETWEEN_STEPS_MS);
  }
}
