import { setTimeout as delay } from 'node:timers/promises';
import { type MongoClient, MongoServerError } from 'mongodb';
import { USER_WRITES_BLOCKED } from '../support/ledger-writer.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

const KEYS = 300;

interface Entry {
  _id: number;
  version: number;
}

/** The values that a key may have now: several when an answer was lost, undefined for a deleted document. */
interface Known {
  readonly possible: readonly (number | undefined)[];
  readonly atMs: number;
}

export interface AcknowledgedOptions {
  readonly database?: string;
  readonly collection?: string;
  /** Pause between two writes, 5 ms by default. */
  readonly everyMs?: number;
  /** Pause after a write that the write block refused, 50 ms by default. */
  readonly whenBlockedMs?: number;
}

/**
 * Writes one document after the other and remembers the acknowledged writes. A check can then compare the destination with what an
 * application knows, and not with the source.
 */
export class AcknowledgedWriter {
  readonly #client: MongoClient;
  readonly #random: SeededRandom;
  readonly #options: Required<AcknowledgedOptions>;
  readonly #known = new Map<number, Known>();
  #stopped = false;
  readonly #running: Promise<void>;
  acknowledged = 0;
  /** Wall clock time at which the server acknowledged the first write that changed a document. */
  firstAtMs: number | undefined;

  constructor(client: MongoClient, random: SeededRandom, options: AcknowledgedOptions = {}) {
    this.#client = client;
    this.#random = random;
    this.#options = {
      database: 'acknowledged',
      collection: 'entries',
      everyMs: 5,
      whenBlockedMs: 50,
      ...options,
    };
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Lists the documents that differ on the destination from the acknowledged ones. @param untilMs  ignores documents written later */
  async missingOn(destination: MongoClient, untilMs: number = Number.POSITIVE_INFINITY): Promise<string[]> {
    const { database, collection } = this.#options;
    const found = await destination.db(database).collection<Entry>(collection).find().toArray();
    const versions = new Map(found.map(({ _id, version }) => [_id, version]));
    return [...this.#known]
      .filter(([key, { possible, atMs }]) => atMs < untilMs && !possible.includes(versions.get(key)))
      .map(
        ([key, { possible }]) => `document ${key} is ${versions.get(key)}, acknowledged was ${possible.join(' or ')}`,
      );
  }

  async #run(): Promise<void> {
    const { database, collection, everyMs, whenBlockedMs } = this.#options;
    const entries = this.#client.db(database).collection<Entry>(collection);
    for (let version = 1; !this.#stopped; version += 1) {
      await delay(everyMs);
      const key = this.#random.integer(KEYS);
      const known = this.#known.get(key) ?? { possible: [undefined], atMs: Date.now() };
      const before = known.possible;
      // The server may still execute a request that it did not answer.
      if (before.length > 1) continue;
      const after = this.#random.next() < 0.2 ? undefined : version;
      // A comparison meanwhile may find either of them.
      this.#known.set(key, { possible: [...before, after], atMs: Date.now() });
      try {
        const changed =
          after === undefined
            ? (await entries.deleteOne({ _id: key })).deletedCount > 0
            : (await entries.updateOne({ _id: key }, { $set: { version: after } }, { upsert: true })).acknowledged;
        this.#known.set(key, { possible: [after], atMs: Date.now() });
        // The write block accepts a write that changes nothing.
        if (!changed) continue;
        this.acknowledged += 1;
        this.firstAtMs ??= Date.now();
      } catch (error) {
        if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) {
          this.#known.set(key, known);
          await delay(whenBlockedMs);
        } else this.#known.set(key, { possible: [...before, after], atMs: Date.now() });
      }
    }
  }
}
