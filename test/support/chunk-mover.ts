import { setTimeout as delay } from 'node:timers/promises';
import type { Document, MongoClient } from 'mongodb';

/** Moves chunks of sharded collections from shard to shard, one at a time, until it is stopped. */
export class ChunkMover implements AsyncDisposable {
  readonly #client: MongoClient;
  readonly #namespaces: readonly string[];
  readonly #pauseMs: number;
  readonly #ended: Promise<void>;
  #isStopped = false;
  #moves = 0;
  #lastError: unknown;

  /**
   * @param client  connects through a router
   * @param pauseMs  pause between two moves; none by default
   */
  constructor(client: MongoClient, namespaces: readonly string[], pauseMs = 0) {
    this.#pauseMs = pauseMs;
    this.#client = client;
    this.#namespaces = namespaces;
    this.#ended = this.#run();
  }

  /** Number of finished moves. */
  get moves(): number {
    return this.#moves;
  }

  /** The error of the latest move that failed, as moves do while a shard is down or a collection is dropped. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Waits for the current move. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isStopped; turn++) {
      const namespace = this.#namespaces[turn % this.#namespaces.length] ?? '';
      try {
        await this.#move(namespace, Math.floor(turn / this.#namespaces.length));
        this.#moves += 1;
      } catch (error) {
        this.#lastError = error;
      }
      await delay(this.#pauseMs);
    }
  }

  async #move(namespace: string, turn: number): Promise<void> {
    const config = this.#client.db('config');
    const entry = await config.collection<Document>('collections').findOne({ _id: namespace as never });
    if (!entry) throw new Error(`${namespace} is not sharded`);
    const chunks = await config.collection('chunks').find({ uuid: entry.uuid }).sort({ min: 1 }).toArray();
    const chunk = chunks[turn % chunks.length];
    const shards = await config.collection('shards').find().sort({ _id: 1 }).toArray();
    const at = shards.findIndex(({ _id }) => String(_id) === chunk?.shard);
    const to = shards[(at + 1) % shards.length]?._id;
    await this.#client.db('admin').command({ moveChunk: namespace, bounds: [chunk?.min, chunk?.max], to });
  }
}
