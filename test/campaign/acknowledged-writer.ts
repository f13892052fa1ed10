import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

const DATABASE = 'acknowledged';
const KEYS = 300;
const EVERY_MS = 5;
const WHEN_BLOCKED_MS = 50;

interface Entry {
  _id: number;
  version: number;
}

/**
 * Writes one document after the other on the source, and remembers what was acknowledged. So that what the destination has can be judged
 * by what an application knows, and not by what the source has.
 */
export class AcknowledgedWriter {
  readonly #client: MongoClient;
  readonly #random: SeededRandom;
  /** By key, what it may be now: more than one value where an answer was lost. Deleted ones are undefined. */
  readonly #possible = new Map<number, (number | undefined)[]>();
  #stopped = false;
  readonly #running: Promise<void>;
  acknowledged = 0;

  constructor(client: MongoClient, random: SeededRandom) {
    this.#client = client;
    this.#random = random;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** What of it the destination does not have as it must. */
  async missingOn(destination: MongoClient): Promise<string[]> {
    const found = await destination.db(DATABASE).collection<Entry>('entries').find().toArray();
    const versions = new Map(found.map(({ _id, version }) => [_id, version]));
    return [...this.#possible]
      .filter(([key, possible]) => !possible.includes(versions.get(key)))
      .map(([key, possible]) => `document ${key} is ${versions.get(key)}, acknowledged was ${possible.join(' or ')}`);
  }

  async #run(): Promise<void> {
    const entries = this.#client.db(DATABASE).collection<Entry>('entries');
    for (let version = 1; !this.#stopped; version += 1) {
      await delay(EVERY_MS);
      const key = this.#random.integer(KEYS);
      const before = this.#possible.get(key) ?? [undefined];
      // What was sent and not answered may still take place.
      if (before.length > 1) continue;
      const after = this.#random.next() < 0.2 ? undefined : version;
      try {
        if (after === undefined) await entries.deleteOne({ _id: key });
        else await entries.updateOne({ _id: key }, { $set: { version: after } }, { upsert: true });
        this.#possible.set(key, [after]);
        this.acknowledged += 1;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) await delay(WHEN_BLOCKED_MS);
        else this.#possible.set(key, [...before, after]);
      }
    }
  }
}
