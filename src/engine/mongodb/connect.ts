import { MongoClient, MongoServerError, MongoServerSelectionError } from 'mongodb';
import {
  dialAsOwn,
  messageOf,
  redact,
  UserError,
  whyInvalid,
  whyRefused,
  whyUnreadable,
} from '../../platform/index.ts';
import { refuseNobody, refuseOneOfMany } from './refuse-connection.ts';
import { SeenSets } from './seen-sets.ts';
import type { Side } from './side.ts';

/** How to reach a cluster. */
export interface ClusterAddress {
  /** `mongodb://` or `mongodb+srv://` with credentials. */
  readonly uri: string;
  /** PEM file on this host with the CA that signed the servers' certificates. */
  readonly tlsCaFile?: string;
}

export interface ClusterAddresses {
  readonly source: ClusterAddress;
  readonly destination: ClusterAddress;
}

/** What a side that does not answer is called in the catalogue of errors. */
export const UNREACHABLE = { source: 'SOURCE_UNREACHABLE', destination: 'DESTINATION_UNREACHABLE' } as const;

/**
 * Options of a connection string that would weaken what the engine relies on, cut what is only slow, or reach through programs of the
 * host; in lower case, with the values that say what the engine does anyway. All others may be set; what the engine sets itself wins.
 */
const REFUSED_OPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['readpreference', ['primary']],
  ['readpreferencetags', []],
  ['maxstalenessseconds', ['-1']],
  ['readconcernlevel', ['majority']],
  ['w', ['majority']],
  ['journal', ['true']],
  ['j', ['true']],
  ['fsync', []],
  // A write concern that ran out of time was not met, and would be sent again and again.
  ['wtimeout', ['0']],
  ['wtimeoutms', ['0']],
  // Slow is not dead: building an index takes hours.
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
 * How a server that has fallen silent is found out: monitors, on connections of their own, hear from each server every
 * `HEARTBEAT_FREQUENCY_MS`. When one hears nothing for both times together, the driver gives all connections to that server up, and whatever
 * waited there is done again. A server that is only slow goes on answering its monitor, and nothing is cut. These are also the most that
 * a connection string may ask for; the driver's own, 30 and 10 s, would take up to a minute.
 */
const CONNECT_TIMEOUT_MS = 10_000;
const HEARTBEAT_FREQUENCY_MS = 5_000;

/** A connection that nobody needs does not stay until a firewall forgets it without a word. */
const MAX_IDLE_TIME_MS = 60_000;
/** The system asks after a peer that has been silent for so long, and gives it up 10 s later. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** Unless the connection string says otherwise. An operation under way is repeated after it, for much longer. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;
const AUTHENTICATION_FAILED = 18;

/** A client that is not connected yet. @throws UserError INVALID_CONNECTION_STRING, WEAK_CONNECTION_OPTION */
export function clientOf(address: ClusterAddress, side: Side): MongoClient {
  const unreadable = whyUnreadable(address.uri);
  if (unreadable !== undefined) throw new UserError('INVALID_CONNECTION_STRING', [side, unreadable]);
  const given = numbersIn(checkedOptions(address.uri, side));
  try {
    return new MongoClient(address.uri, {
      appName: `linkspan-${side}`,
      readPreference: 'primary',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true },
      serverSelectionTimeoutMS: given.get('serverselectiontimeoutms') ?? SERVER_SELECTION_TIMEOUT_MS,
      connectTimeoutMS: atMost(CONNECT_TIMEOUT_MS, given.get('connecttimeoutms')),
      heartbeatFrequencyMS: atMost(HEARTBEAT_FREQUENCY_MS, given.get('heartbeatfrequencyms')),
      maxIdleTimeMS: atMost(MAX_IDLE_TIME_MS, given.get('maxidletimems')),
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      // The engine repeats by itself, and knows why; a repeat inside the driver would hide duplicates [55].
      retryReads: false,
      retryWrites: false,
      maxPoolSize: 64,
      // Replies have users' regular expressions, and JavaScript does not take all that servers do.
      bsonRegExp: true,
      ...(address.tlsCaFile === undefined ? {} : { tlsCAFile: address.tlsCaFile }),
    });
  } catch (error) {
    throw new UserError('INVALID_CONNECTION_STRING', [side, whyInvalid(address.uri, messageOf(error))]);
  }
}

/**
 * Opens a client that reads from the primary with majority and writes with majority and journal.
 * @throws UserError INVALID_CONNECTION_STRING, WEAK_CONNECTION_OPTION, AUTHENTICATION_FAILED, AUTHENTICATION_REQUIRED, WRONG_REPLICA_SET,
 * SOURCE_/DESTINATION_UNREACHABLE
 */
export async function connectCluster(address: ClusterAddress, side: Side): Promise<MongoClient> {
  const client = clientOf(address, side);
  // A source is its operator's own, and so is who it says belongs to it.
  if (side === 'source') client.on('serverOpening', ({ address: member }) => dialAsOwn(member));
  using seen = new SeenSets(client);
  try {
    await client.connect();
    await client.db('admin').command({ ping: 1 });
    await refuseNobody(client, side);
    await refuseOneOfMany(client, side);
    return client;
  } catch (error) {
    await client.close();
    if (error instanceof UserError) throw error;
    if (error instanceof MongoServerError && error.code === AUTHENTICATION_FAILED) {
      throw new UserError('AUTHENTICATION_FAILED', [side]);
    }
    const wrongSet = error instanceof MongoServerSelectionError ? seen.whyNone(side) : undefined;
    if (wrongSet !== undefined) throw wrongSet;
    const servers = error instanceof MongoServerSelectionError ? error.reason?.servers.keys() : undefined;
    throw new UserError(UNREACHABLE[side], [whyRefused(servers ?? []) ?? redact(messageOf(error))]);
  }
}

/** The options of a connection string as the driver reads them: names in any case, and in any encoding. @throws UserError WEAK_CONNECTION_OPTION */
function checkedOptions(uri: string, side: Side): Map<string, string> {
  const options = new Map<string, string>();
  // All that may be an option anywhere in the text, rather than what a parser of ours would find.
  for (const [, name = '', value = ''] of uri.replaceAll(/[\t\r\n]/g, '').matchAll(/[?&]([^=&?]*)=([^&]*)/g)) {
    const decoded = decode(name).toLowerCase();
    const harmless = REFUSED_OPTIONS.get(decoded);
    if (harmless !== undefined && !harmless.includes(decode(value).toLowerCase()))
      throw new UserError('WEAK_CONNECTION_OPTION', [side, decode(name)]);
    if (!options.has(decoded)) options.set(decoded, decode(value));
  }
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
