import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, MongoClient, type MongoClientOptions, MongoServerError } from 'mongodb';
import { eventually } from './eventually.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { MongodProcess } from './mongod-process.ts';
import { type Servers, takeServers } from './server-pool.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ELECTION_TIMEOUT_MS = 1_000;
const HEARTBEAT_INTERVAL_MS = 500;
const TEST_PARAMETERS = {
  enableTestCommands: 1,
  diagnosticDataCollectionEnabled: false,
  // A primary that gets SIGTERM waits for clients and for its successor: 15 s by default.
  shutdownTimeoutMillisForSignaledShutdown: 100,
};
const ROOT = { user: 'root', password: 'root-password' } as const;

export interface ReplicaSetOptions {
  /** 1 by default. */
  readonly members?: 1 | 3;
  /** Whether to enable authentication, with a key file; false by default. */
  readonly auth?: boolean;
  /** Content of the key file, for members of a sharded cluster; random by default. Only with `auth`. */
  readonly key?: string;
  /** Its part in a sharded cluster; none by default. */
  readonly clusterRole?: 'configsvr' | 'shardsvr';
  /**
   * Whether to put a fault proxy in front of each member; false by default. The set is configured with the proxies' addresses, so that
   * clients and the members themselves connect only through the proxies.
   */
  readonly proxied?: boolean;
  /** `rs-` with a random suffix by default. */
  readonly name?: string;
  /** 512 by default. */
  readonly oplogSizeMegabytes?: number;
  /** 0.25 by default, which is enough for tests and too little for benchmarks. */
  readonly cacheGigabytes?: number;
  /** Path of the mongod; by default the one that `findMongod` returns. */
  readonly mongod?: string;
  readonly mongodArgs?: readonly string[];
  /**
   * A folder that outlives this process. A set that is started in it again has the data, ports and users of the one before, and needs the same
   * `name` and `key`. A temporary folder by default.
   */
  readonly folder?: string;
  /** Server parameters at the start. */
  readonly setParameters?: Readonly<Record<string, string | number | boolean>>;
}

/** A role in the form of `createUser`. */
export type Role = string | { readonly role: string; readonly db: string };

/** The parameters of `configureFailPoint` for `failCommand`. */
export interface FailCommand {
  readonly mode: 'alwaysOn' | { readonly times: number } | { readonly skip: number };
  readonly data: Document;
}

/**
 * A real replica set on loopback, in a temporary folder, in `LINKSPAN_TEST_CLUSTERS` where that is set; disposing kills it and removes the
 * folder.
 */
export interface ReplicaSet extends AsyncDisposable {
  readonly name: string;
  /** Connection string, with the root user's credentials if there is authentication. */
  readonly uri: string;
  readonly members: readonly MongodProcess[];
  /** Proxies in the order of `members`; none without `proxied`. */
  readonly proxies: readonly FaultProxy[];
  /** A client with the user of `uri`, which bypasses the proxy of a set with one member. Closed on disposal. */
  readonly client: MongoClient;
  /** Returns a connection string for another user of the database `admin`. */
  uriFor(user: string, password: string): string;
  /** Returns a client of only that member, primary or not, with the user of `client`. The caller must close it. */
  clientOf(member: MongodProcess): MongoClient;
  /** Creates a user in the database `admin`. */
  createUser(user: string, password: string, roles: readonly Role[]): Promise<void>;
  /** Returns the current primary. Waits until there is one. */
  primary(): Promise<MongodProcess>;
  /** Makes the primary step down, and waits until the set has a primary again (with one member, the same one). */
  stepDown(): Promise<void>;
  /** Makes commands fail on the current primary. See the server's `failCommand` for `data`. */
  failCommand(configuration: FailCommand): Promise<void>;
  /** Ends `failCommand` on all running members. */
  clearFailPoints(): Promise<void>;
}

/**
 * Starts a replica set. One of a single member without special options is taken from those that earlier tests of this process have disposed of
 * (`server-pool.ts`): empty, and like new.
 */
export async function startReplicaSet(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
  const { servers, release } = await takeServers(options, startServers);
  try {
    return await connectTo(servers, options, release);
  } catch (error) {
    await servers[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts the members of a set, and waits until they have a primary. */
async function startServers(options: ReplicaSetOptions): Promise<Servers> {
  const name = options.name ?? `rs-${randomBytes(3).toString('hex')}`;
  await using resources = new AsyncDisposableStack();
  const folder =
    options.folder ?? resources.use(temporaryFolder('replica-set', process.env.LINKSPAN_TEST_CLUSTERS)).path;
  const portsFile = join(folder, 'ports.json');
  const ports: readonly number[] = existsSync(portsFile) ? JSON.parse(readFileSync(portsFile, 'utf8')) : [];
  mkdirSync(folder, { recursive: true });
  const args = ['--replSet', name, '--oplogSize', String(options.oplogSizeMegabytes ?? 512)];
  if (options.auth) {
    const keyFile = join(folder, 'key');
    rmSync(keyFile, { force: true });
    writeFileSync(keyFile, options.key ?? randomBytes(48).toString('base64'), { mode: 0o600 });
    args.push('--keyFile', keyFile);
  }
  if (options.clusterRole) args.push(`--${options.clusterRole}`);
  const members = await Promise.all(
    Array.from({ length: options.members ?? 1 }, async (_, index) => {
      const dbPath = join(folder, `member${index}`);
      // Without its ports, the set was never initiated as a whole.
      if (ports.length === 0) rmSync(dbPath, { recursive: true, force: true });
      mkdirSync(dbPath, { recursive: true });
      const memberArgs = [...args, ...mongodArguments(dbPath, options)];
      const member = await MongodProcess.start(memberArgs, options.mongod, ports[index]);
      // After a kill a server applies its last changes again, and then discards other documents of a capped collection than before.
      resources.defer(() => member.kill(options.folder === undefined ? 'SIGKILL' : 'SIGTERM'));
      return member;
    }),
  );
  const proxies = options.proxied ? await Promise.all(members.map(({ port }) => startFaultProxy(port))) : [];
  for (const proxy of proxies) resources.use(proxy);
  const addresses = members.map(({ port }, n) => `127.0.0.1:${proxies[n]?.port ?? port}`);
  if (ports.length > 0) await findPrimary(members);
  else await initiate(name, members, addresses, options);
  writeFileSync(portsFile, JSON.stringify(members.map(({ port }) => port)));
  const kept = resources.move();
  return {
    name,
    members,
    proxies,
    folder,
    connect: () => clientOf(members[0] as MongodProcess, options.auth === true),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** @param release  is called on disposal, after the client is closed */
async function connectTo(
  servers: Servers,
  options: ReplicaSetOptions,
  release: () => Promise<void>,
): Promise<ReplicaSet> {
  const { name, members, proxies } = servers;
  const hosts = members.map(({ port }, n) => `127.0.0.1:${proxies[n]?.port ?? port}`).join(',');
  const uriFor = (user: string, password: string) =>
    `mongodb://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${hosts}/?replicaSet=${name}&authSource=admin`;
  const uri = options.auth ? uriFor(ROOT.user, ROOT.password) : `mongodb://${hosts}/?replicaSet=${name}`;
  const [alone] = members.length === 1 ? members : [];
  const client =
    options.proxied && alone
      ? new MongoClient(uri.replace(hosts, `127.0.0.1:${alone.port}`), { directConnection: true })
      : new MongoClient(uri);
  await client.connect();

  const admin = (member: MongodProcess, command: Document) => runOn(member, command, options.auth === true);
  const primary = () => findPrimary(members);
  return {
    name,
    uri,
    members,
    proxies,
    client,
    uriFor,
    clientOf: (member) => clientOf(member, options.auth === true),
    createUser: async (user, password, roles) => {
      await client.db('admin').command({ createUser: user, pwd: password, roles, writeConcern: { w: 'majority' } });
    },
    primary,
    stepDown: async () => {
      const member = await primary();
      const alone = members.length === 1;
      const command = { replSetStepDown: alone ? 1 : 10, secondaryCatchUpPeriodSecs: alone ? 0 : 5, force: alone };
      // A busy server may not get its lock within the time of the command.
      await eventually(() => admin(member, command), { what: 'a step-down' });
      await primary();
    },
    failCommand: async ({ mode, data }) => {
      await admin(await primary(), { configureFailPoint: 'failCommand', mode, data });
    },
    clearFailPoints: async () => {
      const off = { configureFailPoint: 'failCommand', mode: 'off' };
      await Promise.all(members.filter((member) => member.running).map((member) => admin(member, off)));
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await release();
    },
  };
}

/** Starts a standalone mongod, for tests of its refusal. */
export async function startStandalone(
  options: Pick<ReplicaSetOptions, 'mongodArgs'> = {},
): Promise<AsyncDisposable & { readonly uri: string }> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(temporaryFolder('standalone', process.env.LINKSPAN_TEST_CLUSTERS));
  const mongod = await MongodProcess.start(mongodArguments(folder.path, options));
  resources.defer(() => mongod.kill());
  const kept = resources.move();
  return { uri: `mongodb://127.0.0.1:${mongod.port}/`, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export interface ReplicaSetPair extends AsyncDisposable {
  readonly source: ReplicaSet;
  readonly destination: ReplicaSet;
}

export interface PairOptions {
  readonly source?: ReplicaSetOptions;
  readonly destination?: ReplicaSetOptions;
  /** Whether the source shows its own version in a run that has another one pretended. */
  readonly realSource?: boolean;
}

/**
 * Starts two replica sets in parallel. The version matrix chooses their servers by the paths `LINKSPAN_SOURCE_MONGOD` and
 * `LINKSPAN_DESTINATION_MONGOD`, and what those pretend to be by `LINKSPAN_SOURCE_DIALECT` and `LINKSPAN_DESTINATION_DIALECT`.
 */
export async function startPair(options: PairOptions = {}): Promise<ReplicaSetPair> {
  await using resources = new AsyncDisposableStack();
  const { env } = process;
  const start = async (mongod: string | undefined, dialect: string | undefined, of: ReplicaSetOptions | undefined) =>
    await speaking(dialect, resources.use(await startReplicaSet({ mongod, ...of })), resources);
  const started = await Promise.allSettled([
    start(env.LINKSPAN_SOURCE_MONGOD, options.realSource ? undefined : env.LINKSPAN_SOURCE_DIALECT, options.source),
    start(env.LINKSPAN_DESTINATION_MONGOD, env.LINKSPAN_DESTINATION_DIALECT, options.destination),
  ]);
  const [source, destination] = started.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  if (!source || !destination) throw new Error('a replica set is missing');
  const kept = resources.move();
  return { source, destination, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Its reads have so short a limit by default that those without a limit of their own fail. */
async function speaking(
  dialect: string | undefined,
  set: ReplicaSet,
  resources: AsyncDisposableStack,
): Promise<ReplicaSet> {
  if (dialect === undefined) return set;
  const { inDialect } = await import('./dialect/set-in-dialect.ts');
  const { recordTriedRawData } = await import('./dialect/tried-raw-data.ts');
  const speaker = resources.use(await inDialect(set, dialect, { defaultMaxTimeMS: 1 }));
  await recordTriedRawData(speaker);
  return speaker;
}

function mongodArguments(dbPath: string, options: ReplicaSetOptions): string[] {
  const parameters = { ...TEST_PARAMETERS, ...options.setParameters };
  return [
    '--dbpath',
    dbPath,
    '--wiredTigerCacheSizeGB',
    String(options.cacheGigabytes ?? 0.25),
    // By default each start writes 300 MB of empty journal files, and a back-up copies them.
    '--wiredTigerEngineConfigString',
    'log=(prealloc=false,file_max=10MB)',
    '--nounixsocket',
    '--quiet',
    // On a busy machine every command is slow, and logging that would make it busier.
    '--slowms',
    '100000',
    ...Object.entries(parameters).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
    ...(options.mongodArgs ?? []),
  ];
}

async function initiate(
  name: string,
  members: readonly MongodProcess[],
  addresses: readonly string[],
  { auth, clusterRole }: ReplicaSetOptions,
): Promise<void> {
  const [first] = members;
  if (!first) throw new Error('a replica set needs a member');
  const config = {
    _id: name,
    ...(clusterRole === 'configsvr' ? { configsvr: true } : {}),
    members: addresses.map((host, index) => ({ _id: index, host })),
    settings: { electionTimeoutMillis: ELECTION_TIMEOUT_MS, heartbeatIntervalMillis: HEARTBEAT_INTERVAL_MS },
  };
  await runOn(first, { replSetInitiate: config }, false);
  const primary = await findPrimary(members);
  if (auth) {
    const roles = ['root'];
    await runOn(primary, { createUser: ROOT.user, pwd: ROOT.password, roles, writeConcern: { w: 'majority' } }, false);
  }
  await eventually(async () => (await Promise.all(members.map(stateOf))).every((state) => state !== 'other'), {
    what: `all members of ${name} to be in sync`,
  });
  const level = process.env.LINKSPAN_TEST_LEVEL;
  if (level !== undefined) await setLevel(primary, level, auth === true);
}

/** Sets the feature compatibility version. Servers from 7.0 on want a confirmation, and earlier ones refuse it. */
async function setLevel(primary: MongodProcess, level: string, auth: boolean): Promise<void> {
  const { version } = await runOn(primary, { buildInfo: 1 }, auth);
  const confirmation = Number.parseFloat(version) < 7 ? {} : { confirm: true };
  await runOn(primary, { setFeatureCompatibilityVersion: level, ...confirmation }, auth);
}

function findPrimary(members: readonly MongodProcess[]): Promise<MongodProcess> {
  return eventually(
    async () => {
      const states = await Promise.all(members.map(stateOf));
      return members[states.indexOf('primary')];
    },
    { what: 'a primary' },
  );
}

async function stateOf(member: MongodProcess): Promise<'primary' | 'secondary' | 'other'> {
  if (!member.running) return 'other';
  const hello = await runOn(member, { hello: 1 }, false).catch((): Document => ({}));
  if (hello.isWritablePrimary) return 'primary';
  return hello.secondary ? 'secondary' : 'other';
}

async function runOn(member: MongodProcess, command: Document, asRoot: boolean): Promise<Document> {
  await using client = clientOf(member, asRoot);
  try {
    return await client.db('admin').command(command);
  } catch (error) {
    // A primary may close the connection before it replies to a step-down.
    if ('replSetStepDown' in command && !(error instanceof MongoServerError)) return {};
    throw error;
  }
}

function clientOf(member: MongodProcess, asRoot: boolean): MongoClient {
  const options: MongoClientOptions = { directConnection: true, serverSelectionTimeoutMS: 5_000 };
  if (asRoot) options.auth = { username: ROOT.user, password: ROOT.password };
  return new MongoClient(`mongodb://127.0.0.1:${member.port}/`, options);
}
