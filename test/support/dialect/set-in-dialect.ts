import type { Binary } from 'mongodb';
import type { MongodProcess } from '../mongod-process.ts';
import type { ReplicaSet } from '../replica-set.ts';
import { fieldIn, withField } from './bson-edits.ts';
import { dialectNamed, type VersionDialect } from './dialects.ts';
import { type Command, type DialectSettings, isRefusal, type ModelledServer } from './fact.ts';
import { type Address, type Rewriting, startRewritingProxy } from './rewriting-proxy.ts';

/** Fields of `hello` with addresses of members. A client connects to those. */
const ADDRESSES = ['me', 'primary'];

/** A set whose connection strings lead to a dialect. It is no newer server: tests say so in their titles. */
export interface SetInDialect extends ReplicaSet {
  readonly modelled: ModelledServer;
  /** Returns the port of a member's proxy. */
  proxyPort(member: MongodProcess): number;
}

/**
 * Puts a proxy with the facts of a newer version in front of each member. `client` and `clientOf` still speak to the
 * real server. Disposing of it ends the proxies, and the set stays.
 * @param name  one of `DIALECT_NAMES`
 * @throws Error for an unknown name
 */
export async function inDialect(set: ReplicaSet, name: string, settings: DialectSettings = {}): Promise<SetInDialect> {
  const dialect = dialectNamed(name);
  const modelled = modelledServer(set, dialect, settings);
  const hosts = /^mongodb:\/\/(?:[^@/]*@)?([^/]+)/.exec(set.uri)?.[1] ?? '';
  const proxies = new Map<string, string>();
  await using resources = new AsyncDisposableStack();
  for (const host of hosts.split(',')) {
    const proxy = resources.use(await startRewritingProxy(addressOf(host), rewriting(dialect, modelled, proxies)));
    proxies.set(host, `127.0.0.1:${proxy.port}`);
  }
  const through = (uri: string) => uri.replace(hosts, [...proxies.values()].join(','));
  const kept = resources.move();
  return {
    ...set,
    uri: through(set.uri),
    uriFor: (user, password) => through(set.uriFor(user, password)),
    modelled,
    proxyPort: ({ port }) => addressOf(proxies.get(`127.0.0.1:${port}`) ?? '').port,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function modelledServer(
  { client }: ReplicaSet,
  { version, level, maxWireVersion }: VersionDialect,
  settings: DialectSettings,
): ModelledServer {
  const seen = new Set<string>();
  return {
    ...{ level, defaultMaxTimeMS: 0, endsTransactions: false, ...settings },
    version,
    maxWireVersion,
    refusals: new Map(),
    blockReason: undefined,
    cursors: new Set(),
    fixedBucketing: new Map(),
    timeSeriesSeen: seen,
    timeSeriesOf: async (database) => {
      const listed = await client.db(database).listCollections({}, { bsonRegExp: true }).toArray();
      const uuids = new Map(listed.map((one) => [one.name, 'info' in one ? one.info?.uuid : undefined]));
      const names = listed.filter(({ type }) => type === 'timeseries').map(({ name }) => name);
      for (const name of names) seen.add(`${database}.${name}`);
      return new Map(names.map((name) => [name, uuids.get(`system.buckets.${name}`) as Binary]));
    },
  };
}

function rewriting(dialect: VersionDialect, server: ModelledServer, proxies: ReadonlyMap<string, string>): Rewriting {
  const factsOf = (command: Command) => dialect.facts.filter(({ commands }) => commands.includes(command.name));
  return {
    request: async (command) => {
      const refusal = server.refusals.get(command.name);
      if (refusal !== undefined && server.refusals.delete(command.name)) return refusal;
      let body = command.body;
      for (const fact of factsOf(command)) {
        const answer = (await fact.request?.({ ...command, body }, server)) ?? body;
        if (isRefusal(answer)) return answer;
        body = answer;
      }
      return body;
    },
    reply: async (reply, command) => {
      if (Number(fieldIn(reply, 'ok')) !== 1) return reply;
      let body = throughProxies(reply, command, proxies);
      for (const fact of factsOf(command)) body = (await fact.reply?.(body, command, server)) ?? body;
      return body;
    },
  };
}

/** Replaces the members' addresses with those of their proxies, which is no fact about a version. */
export function throughProxies(reply: Buffer, { name }: Command, proxies: ReadonlyMap<string, string>): Buffer {
  if (!['hello', 'isMaster', 'ismaster'].includes(name)) return reply;
  let changed = reply;
  for (const field of ADDRESSES) {
    const address = proxies.get(String(fieldIn(changed, field)));
    if (address !== undefined) changed = withField(changed, field, address);
  }
  const hosts = fieldIn(changed, 'hosts') as string[] | undefined;
  return hosts === undefined
    ? changed
    : withField(
        changed,
        'hosts',
        hosts.map((host) => proxies.get(host) ?? host),
      );
}

/** Parses `host:port`. */
export function addressOf(host: string): Address {
  const [name = '', port] = host.split(':');
  return { host: name, port: Number(port) };
}
