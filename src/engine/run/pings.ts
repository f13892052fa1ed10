import type { MongoClient } from 'mongodb';
import type { Clusters, Pace } from '../records/context.ts';

const EVERY_MS = 10_000;

/** Round-trip times to both clusters, in milliseconds; null before the first answer, and when the last ping had none. */
export class Pings {
  readonly #context: Clusters & Pace;
  source: number | null = null;
  destination: number | null = null;

  constructor(context: Clusters & Pace) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      [this.source, this.destination] = await Promise.all([
        this.#measure(this.#context.source),
        this.#measure(this.#context.destination),
      ]);
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #measure(client: MongoClient): Promise<number | null> {
    const startMs = performance.now();
    try {
      await client.db('admin').command({ ping: 1 });
      return Math.round(performance.now() - startMs);
    } catch {
      return null;
    }
  }
}
