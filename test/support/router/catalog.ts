import { type Document, Timestamp } from 'mongodb';
import { eventually } from '../eventually.ts';
import type { ClusterClock } from './cluster-clock.ts';
import { assemble, decode, encodeElements } from './elements.ts';
import { accepted, Refusal } from './refusal.ts';
import { type Login, Upstream } from './upstream.ts';

/** How long a router waits for a shard's primary. As in the server. */
const PRIMARY_DEADLINE_MS = 20_000;
/** More than any test's catalog has. */
const ALL = 100_000;

/** The name under which connections reach the config server. No shard of a test has it. */
export const CONFIG = 'config';

export const MAJORITY = { w: 'majority' };

/** The version of a shard without chunks of a collection. */
export const NO_CHUNKS = new Timestamp(0n);

/** Where the documents of a collection are. */
export interface Routing {
  /** The shard with the database's unsharded collections. */
  readonly primary: string;
  readonly databaseVersion: Document;
  readonly sharded?: Sharding;
}

/** A sharded collection's placement. */
export interface Sharding {
  readonly key: Document;
  readonly uuid: unknown;
  /** The shard versions, by each shard that owns chunks. */
  readonly versions: ReadonlyMap<string, Document>;
}

/** The config server's catalog, as one router reads it: always from the server, never from a cache. */
export class Catalog {
  readonly #config: Upstream;
  readonly #login: Login | undefined;
  readonly #clock: ClusterClock;
  readonly #members = new Map<string, readonly number[]>();
  readonly #primaries = new Map<string, number>();
  #closed = false;

  constructor(configPort: number, login: Login | undefined, clock: ClusterClock) {
    this.#login = login;
    this.#clock = clock;
    this.#config = new Upstream(configPort, login);
    this.#primaries.set(CONFIG, configPort);
  }

  close(): void {
    this.#closed = true;
    this.#config.close();
  }

  /** Runs a command on the config server. Returns error replies, too. */
  async run(db: string, command: Document): Promise<Document> {
    const elements = [...encodeElements({ ...command, $db: db }), ...this.#clock.gossip];
    const reply = await this.#config.send(assemble(elements));
    this.#clock.note(reply);
    return decode(reply);
  }

  /** Returns the documents of a collection of the database `config`. */
  async find(collection: string, filter: Document, options: Document = {}): Promise<Document[]> {
    const find = { find: collection, filter, readConcern: { level: 'majority' }, singleBatch: true, batchSize: ALL };
    return accepted(await this.run('config', { ...find, ...options })).cursor.firstBatch;
  }

  async shards(): Promise<string[]> {
    const all = await this.find('shards', {}, { sort: { _id: 1 } });
    for (const { _id, host } of all) this.#members.set(_id, portsIn(host));
    return all.map(({ _id }) => _id);
  }

  /** Opens a connection to a shard's primary, as a member of the cluster. */
  async dial(shard: string): Promise<Upstream> {
    return new Upstream(await this.primary(shard), this.#login);
  }

  /** Returns the port of a shard's primary, after an election when there is none. @throws Refusal as a router does */
  async primary(shard: string): Promise<number> {
    const search = async () => (this.#closed ? -1 : await this.currentPrimary(shard));
    try {
      return await eventually(search, { deadlineMs: PRIMARY_DEADLINE_MS, what: `the primary of ${shard}` });
    } catch (error) {
      throw new Refusal(133, 'FailedToSatisfyReadPreference', error instanceof Error ? error.message : String(error));
    }
  }

  /** Returns the port of a shard's primary if it has one at the moment. */
  async currentPrimary(shard: string): Promise<number | undefined> {
    const known = this.#primaries.get(shard);
    if (known !== undefined) return known;
    if (!this.#members.has(shard)) await this.shards();
    for (const port of this.#members.get(shard) ?? []) {
      if (!(await isPrimary(port))) continue;
      this.#primaries.set(shard, port);
      return port;
    }
    return undefined;
  }

  /** Forgets a shard's primary, so that the next command looks for it. */
  forgetPrimary(shard: string): void {
    if (shard !== CONFIG) this.#primaries.delete(shard);
  }

  /**
   * @param create whether to create a database that does not exist
   * @throws Refusal with NamespaceNotFound
   */
  async routing(db: string, collection: string, { create = false } = {}): Promise<Routing> {
    if (isOnConfigServer(db)) return { primary: CONFIG, databaseVersion: {} };
    const [[database], [entry]] = await Promise.all([
      this.find('databases', { _id: db }),
      this.find('collections', { _id: `${db}.${collection}` }),
    ]);
    if (!database) {
      if (!create) throw new Refusal(26, 'NamespaceNotFound', `database ${db} not found`);
      accepted(await this.run('admin', { _configsvrCreateDatabase: db, writeConcern: MAJORITY }));
      return await this.routing(db, collection);
    }
    const { primary, version: databaseVersion } = database;
    return entry ? { primary, databaseVersion, sharded: await this.#sharding(entry) } : { primary, databaseVersion };
  }

  /** Returns the owner of each shard key's value. The server compares and hashes, because BSON has an order of its own. */
  async owners({ key, uuid }: Sharding, keys: readonly Document[]): Promise<string[]> {
    const compared = await this.hashed(key, keys);
    const one = { $arrayElemAt: [{ $literal: compared }, '$$n'] };
    const isInChunk = {
      $let: { vars: { one }, in: { $and: [{ $lte: ['$min', '$$one'] }, { $gt: ['$max', '$$one'] }] } },
    };
    const hits = { $filter: { input: { $range: [0, keys.length] }, as: 'n', cond: isInChunk } };
    const pipeline = [{ $match: { uuid } }, { $project: { shard: 1, hits } }];
    const owners: string[] = [];
    for (const { shard, hits } of await this.#aggregate('config', 'chunks', pipeline)) {
      for (const n of hits) owners[n] = shard;
    }
    return owners;
  }

  /** Returns the values as chunks have them: hashed where the shard key is. @param pattern the shard key */
  async hashed(pattern: Document, keys: readonly Document[]): Promise<readonly Document[]> {
    const name = Object.keys(pattern).find((field) => pattern[field] === 'hashed');
    if (name === undefined || keys.length === 0) return keys;
    const values = { $documents: { $literal: keys.map((key) => ({ value: key[name] })) } };
    const hashes = await this.#aggregate('admin', 1, [values, { $project: { hash: { $toHashedIndexKey: '$value' } } }]);
    return keys.map((key, n) => ({ ...key, [name]: hashes[n]?.hash }));
  }

  async #sharding({ key, uuid, lastmodEpoch: e, timestamp: t }: Document): Promise<Sharding> {
    const chunks = await this.find('chunks', { uuid }, { projection: { shard: 1, lastmod: 1 } });
    const versions = new Map<string, Document>();
    for (const { shard, lastmod } of chunks) {
      if (lastmod.greaterThan(versions.get(shard)?.v ?? NO_CHUNKS)) versions.set(shard, { e, t, v: lastmod });
    }
    return { key, uuid, versions };
  }

  async #aggregate(db: string, aggregate: string | 1, pipeline: Document[]): Promise<Document[]> {
    const readConcern = aggregate === 1 ? {} : { readConcern: { level: 'majority' } };
    return accepted(await this.run(db, { aggregate, pipeline, cursor: { batchSize: ALL }, ...readConcern })).cursor
      .firstBatch;
  }
}

/** Databases of which the config server has the collections. */
export function isOnConfigServer(db: string): boolean {
  return db === 'admin' || db === 'config';
}

/** @param host a shard's connection string: `name/host:port,host:port` */
function portsIn(host: string): number[] {
  const addresses = host.slice(host.indexOf('/') + 1).split(',');
  return addresses.map((address) => Number(address.slice(address.lastIndexOf(':') + 1)));
}

async function isPrimary(port: number): Promise<boolean> {
  const upstream = new Upstream(port);
  try {
    return (await upstream.run('admin', { hello: 1 })).isWritablePrimary === true;
  } catch {
    return false;
  } finally {
    upstream.close();
  }
}
