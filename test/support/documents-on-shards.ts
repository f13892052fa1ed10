import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Collection, Document, MongoClient } from 'mongodb';
import { exactTypes, idBytes } from './raw-document.ts';
import type { ShardedCluster } from './sharded-cluster.ts';

const NOT_DATA = ['admin', 'config', 'local', 'linkspan_internal'];
const SHOWN = 10;
/** More documents may be behind a cursor than a test's clusters have. */
const BATCH_DOCUMENTS = 5_000;

/** By namespace and `_id`, digests of documents. */
type Digests = Map<string, string>;

/** Documents to ignore: by namespace, their `_id`s as returned by `idBytes`. */
type Except = ReadonlyMap<string, ReadonlySet<string>>;

/** Where the documents of a collection are, by the config server's catalog. */
interface Placement {
  readonly namespace: string;
  /** By name of a shard, a filter for the documents that belong to it. A shard that is missing here owns none. */
  readonly owned: ReadonlyMap<string, Document>;
}

/**
 * Compares the documents that the shards themselves have with those of the destination, byte by byte and without a router. The config server
 * says which documents of a shard are its own: all others are orphans. No chunk may move, and no one may write meanwhile.
 * @returns one sentence for each difference
 */
export async function differencesOfShards(
  { config, shards }: Pick<ShardedCluster, 'config' | 'shards'>,
  destination: MongoClient,
  except: Except = new Map(),
): Promise<string[]> {
  const differences: string[] = [];
  const placements = await placementsOf(config.client, shards);
  const onShards: Digests = new Map();
  for (const { name, client } of shards) {
    for (const { namespace, owned } of placements) {
      const filter = owned.get(name);
      if (filter === undefined) continue;
      for (const [key, digest] of await digestsOf(client, namespace, filter, except)) {
        if (onShards.has(key)) differences.push(`two shards have ${key}`);
        onShards.set(key, digest);
      }
    }
  }
  const onDestination: Digests = new Map();
  for (const namespace of await namespacesOf(destination)) {
    for (const [key, digest] of await digestsOf(destination, namespace, {}, except)) onDestination.set(key, digest);
  }
  for (const [key, digest] of onShards)
    if (onDestination.get(key) !== digest) differences.push(`the destination does not have ${key} as on its shard`);
  for (const key of onDestination.keys()) if (!onShards.has(key)) differences.push(`no shard has ${key}`);
  return differences.slice(0, SHOWN);
}

/** Fails the test unless the shards themselves have the same documents as the destination. */
export async function expectIdenticalOnShards(pair: {
  readonly source: ShardedCluster;
  readonly destination: { readonly client: MongoClient };
}): Promise<void> {
  assert.deepEqual(await differencesOfShards(pair.source, pair.destination.client), []);
}

/** Returns the placement of each sharded collection, and of each other one on its database's primary shard. */
async function placementsOf(config: MongoClient, shards: ShardedCluster['shards']): Promise<Placement[]> {
  const catalog = config.db('config');
  const read = async (name: string) =>
    await catalog
      .collection(name)
      .find({}, { ...exactTypes, readConcern: { level: 'majority' } })
      .toArray();
  const [databases, collections, chunks] = await Promise.all(['databases', 'collections', 'chunks'].map(read));
  const sharded = new Map(
    (collections ?? []).map(({ _id, key, uuid }) => [String(_id), { key, uuid: uuid.toString('hex') }]),
  );
  const byCollection = Map.groupBy(chunks ?? [], ({ uuid }) => uuid.toString('hex'));
  const placements: Placement[] = [];
  for (const [namespace, { key, uuid }] of sharded) {
    if (NOT_DATA.includes(namespace.slice(0, namespace.indexOf('.')))) continue;
    const byShard = Map.groupBy(byCollection.get(uuid) ?? [], ({ shard }) => String(shard));
    placements.push({ namespace, owned: new Map([...byShard].map(([shard, own]) => [shard, inChunks(key, own)])) });
  }
  for (const { _id, primary } of databases ?? []) {
    const shard = shards.find(({ name }) => name === primary);
    if (shard === undefined) throw new Error(`the primary shard of ${_id} is not one of the cluster's`);
    for (const namespace of await namespacesOf(shard.client, String(_id)))
      if (!sharded.has(namespace)) placements.push({ namespace, owned: new Map([[shard.name, {}]]) });
  }
  return placements;
}

/** Returns a filter for the documents whose shard key is in one of the chunks. The server compares and hashes. */
function inChunks(key: Document, chunks: readonly Document[]): Document {
  const values = Object.entries(key).map(([field, kind]) => {
    const value = { $ifNull: [`$${field}`, null] };
    return { k: { $literal: field }, v: kind === 'hashed' ? { $toHashedIndexKey: value } : value };
  });
  const own = { $arrayToObject: [values] };
  const isIn = chunks.map(({ min, max }) => ({
    $and: [{ $lte: [{ $literal: min }, '$$own'] }, { $gt: [{ $literal: max }, '$$own'] }],
  }));
  return { $expr: { $let: { vars: { own }, in: { $or: isIn } } } };
}

async function namespacesOf(client: MongoClient, only?: string): Promise<string[]> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  const names = databases.map(({ name }) => name).filter((name) => !NOT_DATA.includes(name));
  const listed = await Promise.all(
    names
      .filter((name) => only === undefined || name === only)
      .map(async (database) => {
        const all = await client.db(database).listCollections({}, { nameOnly: true }).toArray();
        const withDocuments = all.filter(({ name, type }) => type === 'collection' && name !== 'system.views');
        return withDocuments.map(({ name }) => `${database}.${name}`);
      }),
  );
  return listed.flat();
}

async function digestsOf(client: MongoClient, namespace: string, filter: Document, except: Except): Promise<Digests> {
  const dot = namespace.indexOf('.');
  const collection: Collection = client.db(namespace.slice(0, dot)).collection(namespace.slice(dot + 1));
  const digests: Digests = new Map();
  const options = { raw: true, batchSize: BATCH_DOCUMENTS, collation: { locale: 'simple' } } as const;
  for await (const document of collection.find(filter, options)) {
    const bytes = document as unknown as Uint8Array;
    const id = idBytes(bytes);
    if (except.get(namespace)?.has(id)) continue;
    digests.set(`${namespace} ${id}`, createHash('sha1').update(bytes).digest('base64'));
  }
  return digests;
}
