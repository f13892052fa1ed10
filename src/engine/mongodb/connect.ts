import { MongoClient, MongoServerError, MongoServerSelectionError } from 'mongodb';
import type { CompressionMode } from '../../contract/index.ts';
import { messageOf, redact, UserError, whyInvalid, whyRefused, whyUnreadable } from '../../platform/index.ts';
import { COMPRESSORS } from '../bson/compressed-message.ts';
import { Wire } from '../bson/wire.ts';
import { readFromSecondaries, readsFromSecondaries } from './bulk-reads.ts';
import { compressBy } from './compression.ts';
import { dialMembersAsOwn } from './dial-members.ts';
import { keepToOneAddress } from './one-address.ts';
import { stayWithOneRouter } from './one-router.ts';
import { refuseNobody, refuseOneOfMany } from './refuse-connection.ts';
import { acceptRestoredSet } from './restored-set.ts';
import { historyOf } from './seen-history.ts';
import { SeenSets } from './seen-sets.ts';
import { isSharded, noteRouters } from './sharding.ts';
import type { Side } from './side.ts';

/** How to reach a cluster. */
export interface ClusterAddress {
  /** `mongodb://` or `mongodb+srv://` with credentials. */
  readonly uri: string;
  /** PEM file on this host with the CA that signed the servers' certificates. */
  readonly tlsCaFile?: string;
  /**
   * Whether a client of the API gave it, so that the rules for destinations apply to it on either side. False for a destination of the
   * operator's own configuration; undefined where the side decides.
   */
  readonly isExternal?: boolean;
  /** `auto` by default. A connection string with `compressors` says it for itself. */
  readonly compression?: CompressionMode;
}

export interface ClusterAddresses {
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

/** The error code for each side that doesn't answer. */
export const UNREACHABLE = { source: 'SOURCE_UNREACHABLE', destination: 'DESTINATION_UNREACHABLE' } as const;

/**
 * Options of a connection string that would weaken the guarantees that the engine relies on, cut connections that are
 * only slow, or run programs of the host. Names are in lower case; the listed values are harmless. All other options
 * are allowed; the engine's own settings win.
 */
const REFUSED_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  // A secondary answers only bulk reads (bulk-reads.ts), and none of a destination.
  ['readpreference', ['primary', 'secondarypreferred']],
  ['maxstalenessseconds', ['-1']],
  ['readconcernlevel', ['majority']],
  ['w', ['majority']],
  ['journal', ['true']],
  ['j', ['true']],
  ['fsync', []],
  // After a timeout the write concern isn't satisfied, and the engine would send the same write again and again.
  ['wtimeout', ['0']],
  ['wtimeoutms', ['0']],
  // Slow operations are normal: an index build takes hours.
  ['sockettimeoutms', ['0']],
  ['timeoutms', ['0']],
  ['waitqueuetimeoutms', ['0']],
  ['loadbalanced', ['false']],
  ['tlsinsecure', ['false']],
  ['tlsallowinvalidcertificates', ['false']],
  ['tlsallowinvalidhostnames', ['false']],
  ['proxyhost', []],
  ['proxyport', []],
  ['proxyusername', []],
  ['proxypassword', []],
]);

/**
 * The values of options for which the driver needs no module that Linkspan lacks. For another one it would report a server
 * out of reach. In lower case.
 */
const SUPPORTED_VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ['compressors', ['none', ...COMPRESSORS]],
  ['authmechanism', ['default', 'scram-sha-1', 'scram-sha-256', 'plain', 'mongodb-x509']],
]);

/**
 * How the driver detects a server that stopped answering. Monitors, on connections of their own, hear from each server
 * every `HEARTBEAT_FREQUENCY_MS`. After silence for both times together, the driver closes all connections to that
 * server, and the engine retries the operations that waited there. A server that is only slow still answers its
 * monitor, so nothing is cut. A connection string may ask for shorter times only; the driver's defaults, 30 and 10 s,
 * would take up to a minute.
 */
const CONNECT_TIMEOUT_MS = 10_000;
const HEARTBEAT_FREQUENCY_MS = 5_000;

/** Idle connections close before a firewall drops them silently. */
const MAX_IDLE_TIME_MS = 60_000;
/** The system probes a silent peer after this time, and closes the connection 10 s later. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Applies unless the connection string sets another. The engine then retries the operation for much longer. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;
/** The driver's default is 2. Over a long distance, with TLS and authentication, the fence's sessions would wait for it. */
const CONNECTING_AT_A_TIME = 8;
const AUTHENTICATION_FAILED = 18;

/**
 * Returns a client that isn't connected yet.
 * @throws UserError INVALID_CONNECTION_STRING, WEAK_CONNECTION_OPTION, UNSUPPORTED_CONNECTION_OPTION
 */
export function clientOf(address: ClusterAddress, side: Side): MongoClient {
  const unreadable = whyUnreadable(address.uri);
  if (unreadable !== undefined) throw new UserError('INVALID_CONNECTION_STRING', [side, unreadable]);
  const options = checkedOptions(address.uri, side);
  const given = numbersIn(options);
  const wire = new Wire(side, compressionMode(address, options.get('compressors')));
  try {
    const client = new MongoClient(address.uri, {
      appName: `linkspan-${side}`,
      readPreference: 'primary',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true },
      serverSelectionTimeoutMS: given.get('serverselectiontimeoutms') ?? SERVER_SELECTION_TIMEOUT_MS,
      connectTimeoutMS: atMost(CONNECT_TIMEOUT_MS, given.get('connecttimeoutms')),
      heartbeatFrequencyMS: atMost(HEARTBEAT_FREQUENCY_MS, given.get('heartbeatfrequencyms')),
      maxIdleTimeMS: atMost(MAX_IDLE_TIME_MS, given.get('maxidletimems')),
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      // The engine retries by itself and knows why. A retry inside the driver would hide duplicates
      // (docs/reference/pitfalls.md#pitfall-55).
      retryReads: false,
      retryWrites: false,
      maxPoolSize: 64,
      maxConnecting: CONNECTING_AT_A_TIME,
      // Replies contain users' regular expressions, and JavaScript refuses some that servers accept.
      bsonRegExp: true,
      compressors: wire.offered.length === 0 ? ['none'] : [...wire.offered],
      ...(address.tlsCaFile === undefined ? {} : { tlsCAFile: address.tlsCaFile }),
    });
    keepToOneAddress(client);
    compressBy(client, wire);
    // rule: use-restored-set
    acceptRestoredSet(client);
    const { mode, tags = [] } = new MongoClient(address.uri).options.readPreference;
    if (side === 'source' && mode === 'secondaryPreferred') readFromSecondaries(client, tags);
    return client;
  } catch (error) {
    throw new UserError('INVALID_CONNECTION_STRING', [side, whyInvalid(address.uri, messageOf(error))]);
  }
}

/** Returns how a cluster's connections compress. The first one of several compressors in a connection string counts. */
function compressionMode({ compression = 'auto' }: ClusterAddress, asked: string | undefined): CompressionMode {
  const [first] = asked?.toLowerCase().split(',') ?? [];
  if (first === undefined) return compression;
  return COMPRESSORS.find((one) => one === first) ?? 'off';
}

/**
 * Opens a client that reads from the primary with majority and writes with majority and journal.
 * @throws UserError INVALID_CONNECTION_STRING, WEAK_CONNECTION_OPTION, UNSUPPORTED_CONNECTION_OPTION, AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, WRONG_REPLICA_SET, STANDALONE_SERVER, REPLICA_SET_NOT_INITIATED,
 * SOURCE_/DESTINATION_UNREACHABLE
 */
export async function connectCluster(address: ClusterAddress, side: Side): Promise<MongoClient> {
  const client = clientOf(address, side);
  historyOf(client);
  noteRouters(client);
  // rule: trust-configured-addresses
  if (side === 'source' && address.isExternal !== true) dialMembersAsOwn(client);
  // rule: trust-own-destination
  if (side === 'destination' && address.isExternal === false) dialMembersAsOwn(client);
  using seen = new SeenSets(client);
  try {
    await client.connect();
    if (isSharded(client)) {
      // Not tried: routers would choose the members.
      if (readsFromSecondaries(client))
        throw new UserError('WEAK_CONNECTION_OPTION', [side, 'readPreference behind mongos']);
      stayWithOneRouter(client);
    }
    await Promise.all([
      client.db('admin').command({ ping: 1 }),
      refuseNobody(client, side),
      refuseOneOfMany(client, side),
    ]);
    return client;
  } catch (error) {
    await client.close();
    if (error instanceof UserError) throw error;
    if (error instanceof MongoServerError && error.code === AUTHENTICATION_FAILED) {
      throw new UserError('AUTHENTICATION_FAILED', [side]);
    }
    const refused = error instanceof MongoServerSelectionError ? refusalIn(error) : undefined;
    if (refused !== undefined) throw refused;
    const wrongSet = error instanceof MongoServerSelectionError ? seen.whyNone(side) : undefined;
    if (wrongSet !== undefined) throw wrongSet;
    const servers = error instanceof MongoServerSelectionError ? error.reason?.servers.keys() : undefined;
    throw new UserError(UNREACHABLE[side], [whyRefused(servers ?? []) ?? redact(messageOf(error))]);
  }
}

/** Returns the refusal of a server's reply, which the driver takes for a server out of reach. */
function refusalIn({ reason }: MongoServerSelectionError): UserError | undefined {
  const causes = [...(reason?.servers.values() ?? [])].map(({ error }) => error?.cause);
  return causes.find((cause) => cause instanceof UserError);
}

/**
 * Returns the options of a connection string as the driver reads them: names in any case and any encoding.
 * @throws UserError WEAK_CONNECTION_OPTION, UNSUPPORTED_CONNECTION_OPTION
 */
function checkedOptions(uri: string, side: Side): Map<string, string> {
  const options = new Map<string, string>();
  // Finds everything that could be an option anywhere in the text, because a parser of our own could read it
  // differently than the driver.
  for (const [, name = '', value = ''] of uri.replaceAll(/[\t\r\n]/g, '').matchAll(/[?&]([^=&?]*)=([^&]*)/g)) {
    const decoded = decode(name).toLowerCase();
    const harmless = REFUSED_OPTIONS.get(decoded);
    if (harmless !== undefined && !harmless.includes(decode(value).toLowerCase()))
      throw new UserError('WEAK_CONNECTION_OPTION', [side, decode(name)]);
    const supported = SUPPORTED_VALUES.get(decoded);
    // rule: modules-of-options
    for (const one of supported === undefined ? [] : decode(value).split(','))
      if (supported?.includes(one.toLowerCase()) === false)
        throw new UserError('UNSUPPORTED_CONNECTION_OPTION', [side, decode(name), one]);
    if (!options.has(decoded)) options.set(decoded, decode(value));
  }
  // The driver refuses tags with the primary as invalid.
  if (options.has('readpreferencetags') && !options.has('readpreference'))
    throw new UserError('WEAK_CONNECTION_OPTION', [side, 'readPreferenceTags']);
  return options;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // The driver will refuse it.
  }
}

function numbersIn(options: ReadonlyMap<string, string>): Map<string, number> {
  return new Map([...options].map(([name, value]) => [name, Number(value)] as const).filter(([, n]) => n > 0));
}

function atMost(most: number, asked: number | undefined): number {
  return Math.min(most, asked ?? most);
}
