import { setTimeout as delay } from 'node:timers/promises';
import { BSON, type MongoClient, MongoServerError } from 'mongodb';
import { documentSequence } from '../../src/engine/bson/document-sequence.ts';
import { USER_WRITES_BLOCKED } from '../../test/support/ledger-writer.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { DocumentSource } from '../documents.ts';
import { inBatches, sendBatches } from '../raw-commands.ts';
import { DATABASE } from '../servers.ts';

const COLLECTION = 'busy';
const DOCUMENTS = 20_000;
const LOADED_AT_ONCE = 1_000;
const WRITERS = 16;
/** An application that is refused asks its other cluster this much later. */
const REFUSED_RETRY_MS = 1;
/** Updates that one command sends, so that the writers leave the processor to the servers. */
const BATCH_STATEMENTS = 10;

/**
 * Writes to the side that takes writes, with majority, and asks both in turn while one refuses. Documents are replaced,
 * so the size of the data stays the same.
 */
export class Writers {
  readonly #clients: readonly MongoClient[];
  readonly #random = new SeededRandom(5);
  readonly #source = new DocumentSource(6);
  #writesPerSecond: number;
  #side = 0;
  #written = 0;
  #acknowledgedMs = 0;
  #pauseMs: number | undefined;
  #nextSlotMs = performance.now();
  #isOver = false;

  /** @param clients  application users of both clusters, whom a write block binds; the first one takes writes now */
  constructor(clients: readonly MongoClient[], writesPerSecond: number) {
    this.#clients = clients;
    this.#writesPerSecond = writesPerSecond;
  }

  /** The number of acknowledged writes. */
  get written(): number {
    return this.#written;
  }

  set writesPerSecond(rate: number) {
    this.#writesPerSecond = rate;
  }

  async load(): Promise<void> {
    const [client] = this.#clients;
    if (client === undefined) throw new Error('there is no cluster');
    const documents = Array.from({ length: DOCUMENTS }, (_, n) => this.#source.ordinary(n, n));
    await sendBatches(client, COLLECTION, 'insert', inBatches(documents, LOADED_AT_ONCE), 4);
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: WRITERS }, () => this.#write()));
  }

  stop(): void {
    this.#isOver = true;
  }

  /**
   * The time from the last write that the former side acknowledged to the first that the other one did, since the last
   * call; undefined when the writers have not changed sides.
   */
  takePause(): number | undefined {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = undefined;
    return pauseMs;
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      await this.#pace();
      const statements = Array.from({ length: BATCH_STATEMENTS }, () => this.#replacement());
      for (let side = this.#side; !this.#isOver; side = (side + 1) % this.#clients.length) {
        if (await this.#isAccepted(side, statements)) break;
        await delay(REFUSED_RETRY_MS);
      }
    }
  }

  async #isAccepted(side: number, statements: readonly Buffer[]): Promise<boolean> {
    const command = {
      update: COLLECTION,
      updates: documentSequence('updates', statements),
      writeConcern: { w: 'majority' },
    };
    try {
      const reply = await this.#clients[side]?.db(DATABASE).command(command);
      if (reply?.writeErrors?.[0]?.code === USER_WRITES_BLOCKED) return false;
      if (reply?.ok !== 1 || reply.writeErrors) throw new Error(JSON.stringify(reply).slice(0, 500));
    } catch (error) {
      if (error instanceof MongoServerError && error.code === USER_WRITES_BLOCKED) return false;
      throw error;
    }
    const now = performance.now();
    if (side !== this.#side) this.#pauseMs = now - this.#acknowledgedMs;
    this.#acknowledgedMs = now;
    this.#side = side;
    this.#written += statements.length;
    return true;
  }

  /** Keeps the rate of all writers together. It does not catch up for the time in which writes were refused. */
  async #pace(): Promise<void> {
    const now = performance.now();
    const slot = Math.max(this.#nextSlotMs, now - 100);
    this.#nextSlotMs = slot + (1_000 * BATCH_STATEMENTS) / this.#writesPerSecond;
    if (slot > now) await delay(slot - now);
  }

  #replacement(): Buffer {
    const id = this.#random.integer(DOCUMENTS);
    const u = BSON.deserialize(this.#source.ordinary(this.#random.integer(DOCUMENTS), id));
    return Buffer.from(BSON.serialize({ q: { _id: id }, u }));
  }
}
