import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import type { ReplicaSetPair } from '../../support/replica-set.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

interface Stored {
  readonly _id: number;
  readonly n: number;
  readonly text: string;
}

interface LaggingWriterOptions {
  /** How long after the source the destination gets each write. */
  readonly lagMs: number;
  /** Keys that it leaves alone. */
  readonly spares?: (_id: number) => boolean;
}

const KEYS = 6_000;
const WRITE_EVERY_MS = 5;

/** Writes to `shop.c` of the source, and the same to the destination a while later, as a replication does. */
export class LaggingWriter implements AsyncDisposable {
  readonly #source: Collection<Stored>;
  readonly #destination: Collection<Stored>;
  readonly #options: LaggingWriterOptions;
  readonly #random = new SeededRandom(21);
  readonly #queue: { readonly atMs: number; readonly write: () => Promise<unknown> }[] = [];
  #ended = false;
  #running: Promise<unknown> = Promise.resolve();
  written = 0;

  private constructor(pair: Pick<ReplicaSetPair, 'source' | 'destination'>, options: LaggingWriterOptions) {
    this.#source = pair.source.client.db('shop').collection('c');
    this.#destination = pair.destination.client.db('shop').collection('c');
    this.#options = options;
  }

  static start(pair: Pick<ReplicaSetPair, 'source' | 'destination'>, options: LaggingWriterOptions): LaggingWriter {
    const writer = new LaggingWriter(pair, options);
    writer.#running = Promise.all([writer.#write(), writer.#follow()]);
    return writer;
  }

  /** Ends once the destination has every write. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    while (!this.#ended) {
      const _id = this.#random.integer(KEYS);
      if (this.#options.spares?.(_id)) continue;
      await delay(WRITE_EVERY_MS);
      // The lag must not grow, or a difference lasts longer than it may.
      const [oldest] = this.#queue;
      if (oldest !== undefined && Date.now() > oldest.atMs) continue;
      const n = this.#random.integer(1_000_000);
      const write =
        n % 5 === 0
          ? (to: Collection<Stored>) => to.deleteOne({ _id })
          : (to: Collection<Stored>) => to.replaceOne({ _id }, { n, text: 'y'.repeat(n % 700) }, { upsert: true });
      await write(this.#source);
      this.#queue.push({ atMs: Date.now() + this.#options.lagMs, write: () => write(this.#destination) });
      this.written += 1;
    }
  }

  async #follow(): Promise<void> {
    while (!this.#ended || this.#queue.length > 0) {
      const next = this.#queue[0];
      const waitMs = next === undefined ? 10 : next.atMs - Date.now();
      if (waitMs > 0) await delay(waitMs);
      if (next === undefined) continue;
      await next.write();
      this.#queue.shift();
    }
  }
}
