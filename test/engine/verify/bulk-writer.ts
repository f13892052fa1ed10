import { setTimeout as delay } from 'node:timers/promises';
import type { AnyBulkWriteOperation, Collection, MongoClient } from 'mongodb';
import type { SeededRandom } from '../../support/seeded-random.ts';

const EVERY_MS = 100;

/** Inserts, changes and deletes documents in bulk, until stopped. */
export class BulkWriter {
  readonly #items: Collection<{ _id: number }>;
  readonly #random: SeededRandom;
  readonly #statements: number;
  readonly #running: Promise<void>;
  #stopped = false;
  #next = 0;
  written = 0;

  constructor(source: MongoClient, random: SeededRandom, perSecond: number) {
    this.#items = source.db('load').collection('bulk');
    this.#random = random;
    this.#statements = Math.round((perSecond * EVERY_MS) / 1_000);
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let dueMs = Date.now(); !this.#stopped; dueMs += EVERY_MS) {
      await delay(Math.max(0, dueMs - Date.now()));
      // A step-down breaks off a bulk; what it has written counts with the next one.
      const statements = Array.from({ length: this.#statements }, () => this.#statement());
      await this.#items.bulkWrite(statements, { ordered: false }).then(
        ({ insertedCount, modifiedCount, deletedCount }) => {
          this.written += insertedCount + modifiedCount + deletedCount;
        },
        () => undefined,
      );
    }
  }

  #statement(): AnyBulkWriteOperation<{ _id: number }> {
    const draw = this.#random.next();
    if (draw < 0.4 || this.#next === 0) return { insertOne: { document: { _id: this.#next++ } } };
    const filter = { _id: this.#random.integer(this.#next) };
    if (draw < 0.9) return { updateOne: { filter, update: { $set: { v: this.#random.integer(1_000_000) } } } };
    return { deleteOne: { filter } };
  }
}
