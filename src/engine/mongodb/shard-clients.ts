import { type MongoClient, MongoServerError, MongoServerSelectionError } from 'mongodb';
import { messageOf, redact, systemClock } from '../../platform/index.ts';
import { unlessAborted } from '../concurrency/unless-aborted.ts';
import { directClient } from './direct-shard.ts';
import { listShards, type Shard, shardedClusterId } from './sharding.ts';
import { isUnauthorized } from './unauthorized.ts';

/** The answer of one shard, or the reason why there is none. */
export type ShardAnswer<T> =
  | { readonly shard: string; readonly value: T }
  | { readonly shard: string; readonly unseen: Unseen };

/** Why a shard doesn't answer. */
export interface Unseen {
  /** In words that other shards share. */
  readonly why: string;
  /** The error's own message, with the server's address. */
  readonly detail: string;
  /** Whether it answered before, so that it can be reached from here. */
  readonly hasAnswered?: boolean;
}

/** A shard that has never answered is tried again after this, so that its log isn't filled with failed log-ins. */
const TRIED_AGAIN_AFTER_MS = 60_000;
const AUTHENTICATION_FAILED = 18;
/** Longer than the driver looks for a primary before it says that there is none. */
const ANSWER_WITHIN_MS = 12_000;

/** A server answers at a shard's address and isn't that shard. */
class OtherServer extends Error {}

/** Direct connections to the shards of a sharded cluster, for reads past its routers. */
export class ShardClients {
  readonly #router: MongoClient;
  readonly #connected = new Map<string, ConnectedShard>();
  #isClosed = false;

  constructor(router: MongoClient) {
    this.#router = router;
    router.once('topologyClosed', () => this.#close());
  }

  /**
   * Asks all shards that the cluster has now.
   * @returns an answer for each, the shard that was added first at the beginning
   * @throws the router's error when it doesn't say which shards there are
   */
  async ask<T>(question: (client: MongoClient) => Promise<T>): Promise<ShardAnswer<T>[]> {
    const [shards, clusterId] = await Promise.all([listShards(this.#router), shardedClusterId(this.#router)]);
    this.#follow(shards);
    return await Promise.all(shards.map((shard) => this.#ask(shard, clusterId, question)));
  }

  async #ask<T>(
    shard: Shard,
    clusterId: string,
    question: (client: MongoClient) => Promise<T>,
  ): Promise<ShardAnswer<T>> {
    const known = this.#connected.get(shard.name) ?? new ConnectedShard(this.#router, shard);
    if (this.#isClosed) return { shard: shard.name, unseen: { why: 'the connection is closed', detail: '' } };
    this.#connected.set(shard.name, known);
    const answer = await known.ask(clusterId, question);
    return { shard: shard.name, ...answer };
  }

  /** Forgets shards that were removed, and those with other hosts. */
  #follow(shards: readonly Shard[]): void {
    for (const [name, connected] of this.#connected) {
      if (shards.some((shard) => shard.name === name && shard.hosts === connected.hosts)) continue;
      this.#connected.delete(name);
      connected.close();
    }
  }

  #close(): void {
    this.#isClosed = true;
    for (const connected of this.#connected.values()) connected.close();
    this.#connected.clear();
  }
}

/**
 * Returns the names of the shards that answered this client before and no longer do, for a sentence.
 * @returns undefined when there is none, or no router says in time which shards there are
 */
export async function silentShards(router: MongoClient): Promise<string | undefined> {
  const asking = shardsOf(router).ask((client) => client.db('admin').command({ ping: 1 }));
  const answers = (await unlessAborted(asking, AbortSignal.timeout(ANSWER_WITHIN_MS))) ?? [];
  const silent = answers.filter((answer) => 'unseen' in answer && answer.unseen.hasAnswered);
  return silent.length === 0 ? undefined : silent.map(({ shard }) => shard).join(', ');
}

/** The connection to one shard. */
class ConnectedShard {
  readonly hosts: string;
  readonly #shard: Shard;
  readonly #router: MongoClient;
  #client: MongoClient | undefined;
  /** Whether it has shown that it is this shard of this cluster. */
  #isKnown = false;
  #failed: { readonly unseen: Unseen; readonly untilMs: number } | undefined;

  constructor(router: MongoClient, shard: Shard) {
    this.#router = router;
    this.#shard = shard;
    this.hosts = shard.hosts;
  }

  async ask<T>(
    clusterId: string,
    question: (client: MongoClient) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly unseen: Unseen }> {
    if (this.#failed !== undefined && systemClock.elapsed() < this.#failed.untilMs)
      return { unseen: this.#failed.unseen };
    this.#failed = undefined;
    try {
      this.#client ??= directClient(this.#router, this.#shard);
      if (!this.#isKnown) await confirmShard(this.#client, this.#shard, clusterId);
      this.#isKnown = true;
      return { value: await question(this.#client) };
    } catch (error) {
      const unseen = { ...unseenBecause(error), hasAnswered: this.#isKnown };
      if (!this.#isKnown) {
        this.#failed = { unseen, untilMs: systemClock.elapsed() + TRIED_AGAIN_AFTER_MS };
        this.close();
      }
      return { unseen };
    }
  }

  close(): void {
    // Not awaited: the answer of a silent server may be outstanding.
    void this.#client?.close().catch(() => undefined);
    this.#client = undefined;
  }
}

/** @throws OtherServer when the server belongs to another cluster: an address may mean another host from here than for a router */
async function confirmShard(client: MongoClient, { name }: Shard, clusterId: string): Promise<void> {
  const state = await client.db('admin').command({ shardingState: 1 });
  if (state.shardName !== name || state.clusterId?.toHexString() !== clusterId)
    throw new OtherServer(`the server there says that it is ${state.shardName ?? 'no shard'}`);
}

function unseenBecause(error: unknown): Unseen {
  const detail = redact(messageOf(error));
  if (error instanceof OtherServer) return { why: 'another server has its address', detail };
  if (error instanceof MongoServerSelectionError) return { why: 'it does not answer', detail };
  if (error instanceof MongoServerError && error.code === AUTHENTICATION_FAILED)
    return { why: 'the user cannot log in there', detail };
  if (isUnauthorized(error)) return { why: 'the user may not ask there', detail };
  return { why: detail, detail };
}

/**
 * Returns the shards that are unknown, with their reasons, for a sentence.
 * @returns undefined when none is
 */
export function describeUnseen(
  shards: readonly { readonly shard: string; readonly whyUnknown: string | null }[],
): string | undefined {
  const unseen = shards.filter(({ whyUnknown }) => whyUnknown !== null);
  const alike = Map.groupBy(unseen, ({ whyUnknown }) => whyUnknown);
  if (alike.size === 0) return undefined;
  return [...alike].map(([why, of]) => `${of.map(({ shard }) => shard).join(', ')} (${why})`).join('; ');
}

const known = new WeakMap<MongoClient, ShardClients>();

/** Returns the connections to the shards behind a client of routers. They close when that client is closed. */
export function shardsOf(router: MongoClient): ShardClients {
  const clients = known.get(router) ?? new ShardClients(router);
  known.set(router, clients);
  return clients;
}
