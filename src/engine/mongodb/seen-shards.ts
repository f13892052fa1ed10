import type { Document, MongoClient, Timestamp } from 'mongodb';
import { isSharded } from './sharding.ts';

/** A shard was removed from the cluster after a stream's position. No later stream shows the writes to it until then. */
export class ShardRemoved extends Error {
  constructor(names: readonly string[]) {
    super(`shards were removed or changed meanwhile, and with them the history of ${names.join(', ')}`);
  }
}

/**
 * The shards of a sharded cluster whose changes one client has followed. A stream that resumes after a shard was removed
 * misses the last writes to that shard, and reports no error: the documents are on other shards by then, and moved there
 * without an event. So each stream that resumes needs every shard that the first one had.
 */
export class SeenShards {
  readonly #client: MongoClient;
  #expected: readonly string[] | undefined;

  constructor(client: MongoClient) {
    this.#client = client;
  }

  /** The shards that must still be there; undefined before the first stream, and for a replica set. */
  get expected(): readonly string[] | undefined {
    return this.#expected;
  }

  /** Expects the shards that an earlier process has followed. */
  expect(shards: readonly string[]): void {
    this.#expected = shards;
  }

  /** Expects none. To be called when everything is read anew. */
  forget(): void {
    this.#expected = undefined;
  }

  /** Notes the shards. Must come before the first stream opens: the stream may have more, but not fewer of them. */
  async note(): Promise<void> {
    if (isSharded(this.#client)) this.#expected ??= await this.#read();
  }

  /**
   * Confirms that no shard has left the cluster. Must come after a stream has opened: the router may have opened it
   * without a shard that was removed a moment before.
   * @param openedAt  a cluster time after the stream was opened
   * @throws ShardRemoved
   */
  async confirm(openedAt: Timestamp | undefined): Promise<void> {
    if (this.#expected === undefined) return;
    const present = new Set(await this.#read(openedAt));
    const missing = this.#expected.filter((shard) => !present.has(shard));
    if (missing.length > 0) throw new ShardRemoved(missing.map((shard) => shard.slice(0, shard.lastIndexOf(' '))));
  }

  /**
   * Returns each shard's name and topology time. A shard that is removed and added again has another time. Also one that
   * stays gets another time when another shard is removed, which shows shards that came and went (tried on 6.0.5).
   */
  async #read(after?: Timestamp): Promise<readonly string[]> {
    const readConcern = { level: 'majority', ...(after && { afterClusterTime: after }) };
    const command = { find: 'shards', projection: { topologyTime: 1 }, batchSize: 10_000, readConcern };
    const { cursor } = await this.#client.db('config').command(command);
    return cursor.firstBatch.map(({ _id, topologyTime }: Document) => `${_id} ${topologyTime}`);
  }
}
