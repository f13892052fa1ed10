import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, MongoClient } from 'mongodb';
import { ChunkMover } from './chunk-mover.ts';
import { eventually } from './eventually.ts';
import { MongodProcess } from './mongod-process.ts';
import { type ReplicaSet, type ReplicaSetOptions, type Role, startReplicaSet } from './replica-set.ts';
import { Router } from './router/router.ts';
import { systemLogin } from './router/system-login.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = { user: 'root', password: 'root-password' } as const;

/** The servers' default of 10 s would hold up each barrier on an idle config server. */
const NO_OP_INTERVAL_SECONDS = 1;

/** By default, a collection is resharded for five minutes at least. */
const RESHARDING = { reshardingMinimumOperationDurationMillis: 0 };

/** The balancer works in rounds of 10 s. */
const DRAINED_WITHIN_MS = 120_000;

export interface ShardedClusterOptions {
  /** 2 by default. */
  readonly shards?: number;
  /** Members of each shard; 1 by default. The config server always has one. */
  readonly members?: 1 | 3;
  /** 1 by default. */
  readonly routers?: number;
  /** Whether to enable authentication; false by default. */
  readonly auth?: boolean;
  /** How long shards keep documents that have moved away. 0 by default: chunks move back only after that. */
  readonly orphanSeconds?: number;
  /** Cache of each shard; as of a replica set by default. */
  readonly cacheGigabytes?: number;
  /** Parameters of all servers at the start. */
  readonly setParameters?: ReplicaSetOptions['setParameters'];
  /** Path of the mongod; by default that of the version matrix or the one that `findMongod` returns. */
  readonly mongod?: string;
  /** Options of single shards, by their number. */
  readonly ofShard?: (number: number) => Pick<ReplicaSetOptions, 'members' | 'oplogSizeMegabytes' | 'mongodArgs'>;
}

/** A router's process, or the stand-in for one. It keeps its port. */
export interface RunningRouter {
  readonly port: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Options of `shardCollection`. */
export interface ShardingOptions {
  readonly unique?: boolean;
  /** Only for a hashed shard key and an empty collection. */
  readonly numInitialChunks?: number;
  readonly collation?: Document;
  readonly timeseries?: Document;
}

/** A real sharded cluster on loopback; disposing kills its servers and removes their data. Its balancer is off. */
export interface ShardedCluster extends AsyncDisposable {
  /** Connection string with all routers, and with the root user's credentials if there is authentication. */
  readonly uri: string;
  /** Connection strings of one router each. */
  readonly routerUris: readonly string[];
  readonly routers: readonly RunningRouter[];
  /** A client of `uri`. Closed on disposal. */
  readonly client: MongoClient;
  readonly config: ReplicaSet;
  /** Connect to one with its `client` to see what it has, orphans included. Its `name` is the shard's. */
  readonly shards: readonly ReplicaSet[];
  /** Returns a connection string for another user of the database `admin`. */
  uriFor(user: string, password: string): string;
  /** Creates a user of the cluster in the database `admin`. */
  createUser(user: string, password: string, roles: readonly Role[]): Promise<void>;
  /** Creates a database whose unsharded collections are on that shard. By default, the config server chooses one. */
  createDatabase(db: string, primaryShard: string): Promise<void>;
  /** Shards a collection, and creates it if necessary. A range key begins with one chunk. */
  shardCollection(namespace: string, key: Document, options?: ShardingOptions): Promise<void>;
  /** Splits the chunk that has the key, at that key. */
  split(namespace: string, middle: Document): Promise<void>;
  /** Moves the chunk that has the key. @param toShard name of a shard */
  move(namespace: string, key: Document, toShard: string): Promise<void>;
  /** Moves chunks of the collections until it is stopped. */
  mover(...namespaces: string[]): ChunkMover;
  /** Turns the balancer on or off. */
  setBalancer(on: boolean): Promise<void>;
  /** Starts another shard and adds it. */
  addShard(): Promise<ReplicaSet>;
  /** Drains a shard, which must not be the primary shard of a database, and removes it. Its servers keep running. The balancer is off again then. */
  removeShard(shard: ReplicaSet): Promise<void>;
}

/**
 * Starts a config server, shards and routers. `LINKSPAN_MONGOS` names a real `mongos`; without it, a stand-in routes
 * (docs/internals/sharded-tests.md).
 */
export async function startShardedCluster(options: ShardedClusterOptions = {}): Promise<ShardedCluster> {
  await using resources = new AsyncDisposableStack();
  const { auth = false, mongod = process.env.LINKSPAN_SOURCE_MONGOD } = options;
  const key = randomBytes(48).toString('base64');
  const shardOptions = (number: number): ReplicaSetOptions => {
    const defaults = { orphanCleanupDelaySecs: options.orphanSeconds ?? 0, ...RESHARDING };
    const setParameters = { ...defaults, ...options.setParameters };
    const { members = 1, cacheGigabytes, ofShard } = options;
    const own = ofShard?.(number) ?? {};
    const name = `shard${number}`;
    return { clusterRole: 'shardsvr', name, auth, key, mongod, members, cacheGigabytes, setParameters, ...own };
  };
  const startShard = async (number: number) => resources.use(await startReplicaSet(shardOptions(number)));
  const startConfig = async () => {
    const defaults = { periodicNoopIntervalSecs: NO_OP_INTERVAL_SECONDS, ...RESHARDING };
    const setParameters = { ...defaults, ...options.setParameters };
    const common = { clusterRole: 'configsvr', auth, key, mongod, setParameters } as const;
    return resources.use(await startReplicaSet({ ...common, name: 'config' }));
  };
  const [config, ...shards] = await settled([
    startConfig(),
    ...Array.from({ length: options.shards ?? 2 }, (_, n) => startShard(n)),
  ]);
  if (!config) throw new Error('the config server is missing');
  const folder = resources.use(temporaryFolder('sharded-cluster'));
  const keyFile = join(folder.path, 'key');
  writeFileSync(keyFile, key, { mode: 0o600 });
  const routers: RunningRouter[] = [];
  for (let via = 0; via < (options.routers ?? 1); via++) {
    const router = await startRouter(config, via, auth ? keyFile : undefined);
    resources.defer(() => router.kill());
    routers.push(router);
  }

  const uriOf = (ports: readonly RunningRouter[], { user, password }: { user: string; password: string }) => {
    const hosts = ports.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const credentials = auth ? `${encodeURIComponent(user)}:${encodeURIComponent(password)}@` : '';
    return `mongodb://${credentials}${hosts}/${auth ? '?authSource=admin' : ''}`;
  };
  const uri = uriOf(routers, ROOT);
  const client = new MongoClient(uri);
  resources.defer(() => client.close());
  const admin = client.db('admin');
  const add = async (shard: ReplicaSet) => {
    const hosts = shard.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
    await admin.command({ addShard: `${shard.name}/${hosts}`, name: shard.name });
  };
  for (const shard of shards) await add(shard);
  await admin.command({ balancerStop: 1 });
  const all = [...shards];

  const kept = resources.move();
  return {
    uri,
    routerUris: routers.map((router) => uriOf([router], ROOT)),
    routers,
    client,
    config,
    shards: all,
    uriFor: (user, password) => uriOf(routers, { user, password }),
    createUser: async (user, password, roles) => {
      await admin.command({ createUser: user, pwd: password, roles, writeConcern: { w: 'majority' } });
    },
    createDatabase: async (db, primaryShard) => {
      await admin.command({ enableSharding: db, primaryShard });
    },
    shardCollection: async (namespace, shardKey, sharding = {}) => {
      await admin.command({ shardCollection: namespace, key: shardKey, ...sharding });
    },
    split: async (namespace, middle) => {
      await admin.command({ split: namespace, middle });
    },
    move: async (namespace, find, to) => {
      await admin.command({ moveChunk: namespace, find, to });
    },
    mover: (...namespaces) => new ChunkMover(client, namespaces),
    setBalancer: async (on) => {
      await admin.command(on ? { balancerStart: 1 } : { balancerStop: 1 });
    },
    addShard: async () => {
      const shard = kept.use(await startReplicaSet(shardOptions(all.length)));
      await add(shard);
      all.push(shard);
      return shard;
    },
    removeShard: async (shard) => {
      // The balancer moves the chunks.
      await admin.command({ balancerStart: 1 });
      const isRemoved = async () => (await admin.command({ removeShard: shard.name })).state === 'completed';
      await eventually(isRemoved, { what: `the end of ${shard.name}`, deadlineMs: DRAINED_WITHIN_MS });
      await admin.command({ balancerStop: 1 });
      all.splice(all.indexOf(shard), 1);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function startRouter(config: ReplicaSet, via: number, keyFile: string | undefined): Promise<RunningRouter> {
  const [server] = config.members;
  if (!server) throw new Error('the config server is missing');
  const mongos = process.env.LINKSPAN_MONGOS;
  if (mongos) {
    const args = ['--configdb', `${config.name}/127.0.0.1:${server.port}`, '--nounixsocket'];
    return await MongodProcess.start(keyFile ? [...args, '--keyFile', keyFile] : args, mongos);
  }
  const login = keyFile === undefined ? undefined : systemLogin(keyFile);
  return await Router.start({ configPort: server.port, via, login });
}

/** Waits for all, so that a failed start leaves none behind. */
async function settled<T>(starting: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(starting);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
