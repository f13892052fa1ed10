import { isDeepStrictEqual } from 'node:util';
import type { Document, MongoClient } from 'mongodb';
import type { FaultProxy } from './fault-proxy.ts';
import type { MongodProcess } from './mongod-process.ts';

const SYSTEM_DATABASES = ['admin', 'config', 'local'];
/** Options with which a set is like any other. */
const PLAIN = ['members', 'auth', 'mongod'];
/** Server parameters that change by themselves. */
const MOVING = /^(clusterTime|operationTime|\$clusterTime|tlsOCSP|ok)$/;

/** The running members of a replica set. Disposing of it kills them and removes their data. */
export interface Servers extends AsyncDisposable {
  readonly name: string;
  readonly members: readonly MongodProcess[];
  /** In the order of `members`; may be empty. */
  readonly proxies: readonly FaultProxy[];
  readonly folder: string;
  /** Returns a client of the first member with all privileges. */
  connect(): MongoClient;
}

/** The pool can't put these back as they were, so a set in which one differs is not used again. */
interface Fingerprint {
  readonly pids: readonly (number | undefined)[];
  readonly parameters: Document;
  readonly configuration: Document;
  readonly defaults: Document;
  /** Names in `admin` and `local`. The server itself creates some in `config` when they are needed. */
  readonly collections: readonly string[];
}

interface Idle {
  readonly servers: Servers;
  readonly asNew: Fingerprint;
}

const idle = new Map<string, Idle[]>();

/**
 * Returns servers with these options, from those that were released or newly started.
 * @param start  starts new ones
 * @returns `release` empties the servers for the next user, or disposes of them if they can't be made like new
 */
export async function takeServers<Options extends object>(
  options: Options,
  start: (options: Options) => Promise<Servers>,
): Promise<{ readonly servers: Servers; readonly release: () => Promise<void> }> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const isPlain = given.every(([name, value]) => PLAIN.includes(name) && (name !== 'members' || value === 1));
  if (!isPlain) {
    const servers = await start(options);
    return { servers, release: async () => await servers[Symbol.asyncDispose]() };
  }
  const key = JSON.stringify(
    Object.fromEntries(given.filter(([name, value]) => name !== 'members' && value !== false)),
  );
  const free = idle.get(key) ?? [];
  idle.set(key, free);
  const { servers, asNew } = free.pop() ?? (await startNew(options, start));
  for (const member of servers.members) member.keepAlive(true);
  const release = async () => {
    if (!(await isLikeNew(servers, asNew))) return await servers[Symbol.asyncDispose]();
    for (const member of servers.members) member.keepAlive(false);
    free.push({ servers, asNew });
  };
  return { servers, release };
}

/** Returns the servers that wait for their next user. They are no leak of a test. */
export function idleServers(): readonly Servers[] {
  return [...idle.values()].flat().map(({ servers }) => servers);
}

async function startNew<Options>(options: Options, start: (options: Options) => Promise<Servers>): Promise<Idle> {
  const servers = await start(options);
  await using client = servers.connect();
  return { servers, asNew: await fingerprint(servers, client) };
}

async function isLikeNew(servers: Servers, asNew: Fingerprint): Promise<boolean> {
  try {
    return await makeLikeNew(servers, asNew);
  } catch {
    return false;
  }
}

/** Ends all sessions, and removes all data, users and blocks. @returns whether nothing else differs from new servers */
async function makeLikeNew(servers: Servers, asNew: Fingerprint): Promise<boolean> {
  if (!isDeepStrictEqual(pidsOf(servers), asNew.pids)) return false;
  await using client = servers.connect();
  const admin = client.db('admin');
  await admin.command({ killAllSessions: [] });
  if (await isBlocked(client)) await admin.command({ setUserWriteBlockMode: 1, global: false });
  await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  await dropAccounts(client);
  for (const { name, profiled } of await databasesOf(client)) {
    if (profiled) return false;
    await client.db(name).dropDatabase();
  }
  return isDeepStrictEqual(await fingerprint(servers, client), asNew);
}

async function isBlocked(client: MongoClient): Promise<boolean> {
  return (await client.db('config').collection('user_writes_critical_sections').countDocuments()) > 0;
}

/** Drops all users but the first one, and all roles. */
async function dropAccounts(client: MongoClient): Promise<void> {
  const admin = client.db('admin');
  const users = await admin
    .collection('system.users')
    .find({}, { sort: { $natural: 1 } })
    .toArray();
  const roles = await admin.collection('system.roles').find().toArray();
  for (const { user, db } of users)
    if (user !== 'root' || db !== 'admin') await client.db(db).command({ dropUser: user });
  for (const { role, db } of roles) await client.db(db).command({ dropRole: role });
}

async function databasesOf(client: MongoClient): Promise<{ readonly name: string; readonly profiled: boolean }[]> {
  const { databases } = await client.db('admin').command({ listDatabases: 1, nameOnly: true });
  const names = (databases as { readonly name: string }[]).map(({ name }) => name);
  return await Promise.all(
    names
      .filter((name) => !SYSTEM_DATABASES.includes(name))
      .map(async (name) => ({ name, profiled: (await client.db(name).command({ profile: -1 })).was !== 0 })),
  );
}

async function fingerprint(servers: Servers, client: MongoClient): Promise<Fingerprint> {
  const admin = client.db('admin');
  const [parameters, { config }, defaults, ...collections] = await Promise.all([
    admin.command({ getParameter: '*' }),
    admin.command({ replSetGetConfig: 1 }),
    admin.command({ getDefaultRWConcern: 1 }),
    ...['admin', 'local'].map(async (name) => await client.db(name).listCollections({}, { nameOnly: true }).toArray()),
  ]);
  return {
    pids: pidsOf(servers),
    parameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => !MOVING.test(name))),
    configuration: config,
    defaults: { read: defaults.defaultReadConcern, write: defaults.defaultWriteConcern },
    collections: collections
      .flat()
      .map(({ name }) => String(name))
      .filter((name) => !name.startsWith('system.'))
      .sort(),
  };
}

function pidsOf({ members }: Servers): (number | undefined)[] {
  return members.map(({ pid }) => pid);
}
