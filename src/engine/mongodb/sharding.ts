import type { MongoClient } from 'mongodb';

/** Clients whose servers are routers of a sharded cluster. */
const ofRouters = new WeakSet<MongoClient>();

/** Notes whether a client's servers are routers. Must be called before the client connects: it hears of them only then. */
export function noteRouters(client: MongoClient): void {
  client.on('serverDescriptionChanged', ({ newDescription }) => {
    // rule: sharded-by-routers
    if (newDescription.type === 'Mongos') ofRouters.add(client);
  });
}

/** Whether a client is connected to a sharded cluster. Its routers show no oplog, and no election of a shard. */
export function isSharded(client: MongoClient): boolean {
  return ofRouters.has(client);
}

/** A shard, as the config server describes it. */
export interface Shard {
  readonly name: string;
  /** Name of its replica set. */
  readonly set: string;
  /** `host:port`, separated by commas. */
  readonly hosts: string;
}

/** Returns the shards of a sharded cluster, the one that was added first at the beginning. Needs `find` on `config`. */
export async function listShards(client: MongoClient): Promise<Shard[]> {
  // Shards of clusters that came from a version before 5.0 may have no `topologyTime`; they are older than all others.
  const find = { find: 'shards', sort: { topologyTime: 1, _id: 1 }, batchSize: 10_000, singleBatch: true };
  const { cursor } = await client.db('config').command({ ...find, readConcern: { level: 'majority' } });
  return cursor.firstBatch.map(({ _id, host }: { readonly _id: unknown; readonly host: unknown }) => {
    const [, set = '', hosts = ''] = /^([^/]*)\/(.*)$/.exec(String(host)) ?? [];
    return { name: String(_id), set, hosts };
  });
}

/** Returns the namespaces that are being resharded. Needs `find` on `config`. */
export async function listReshardings(client: MongoClient): Promise<string[]> {
  const find = { find: 'reshardingOperations', projection: { ns: 1 }, readConcern: { level: 'majority' } };
  const { cursor } = await client.db('config').command(find);
  return cursor.firstBatch.map(({ ns }: { readonly ns: unknown }) => String(ns));
}

/** Returns the id of a sharded cluster; an empty text when it has none. */
export async function shardedClusterId(client: MongoClient): Promise<string> {
  const { cursor } = await client
    .db('config')
    .command({ find: 'version', limit: 1, readConcern: { level: 'majority' } });
  return cursor.firstBatch[0]?.clusterId?.toHexString() ?? '';
}
