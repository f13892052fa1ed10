import { MongoClient, MongoServerError } from 'mongodb';
import { messageOf, redact, UserError } from '../../platform/index.ts';
import type { ClusterAddress } from '../lifecycle/options.ts';

export type Side = 'source' | 'destination';

/** Options of a connection string that would weaken what the engine relies on, or reach for files and programs of the host. */
const REFUSED_OPTIONS = [
  'readPreference',
  'readConcernLevel',
  'w',
  'journal',
  'wtimeoutMS',
  'socketTimeoutMS',
  'tlsInsecure',
  'tlsAllowInvalidCertificates',
  'tlsAllowInvalidHostnames',
  'proxyHost',
];

/** Values of those that say what the engine does anyway. */
const HARMLESS = new Set([
  'readpreference=primary',
  'readconcernlevel=majority',
  'w=majority',
  'journal=true',
  'directconnection=false',
]);

/** Unless the connection string says otherwise. An operation under way is repeated after it, for much longer. */
const SERVER_SELECTION_TIMEOUT_MS = 10_000;
const AUTHENTICATION_FAILED = 18;

/**
 * Opens a client that reads from the primary with majority and writes with majority and journal.
 * @throws UserError INVALID_CONNECTION_STRING, WEAK_CONNECTION_OPTION, AUTHENTICATION_FAILED, SOURCE_/DESTINATION_UNREACHABLE
 */
export async function connectCluster(address: ClusterAddress, side: Side): Promise<MongoClient> {
  refuseWeakOptions(address.uri, side);
  let client: MongoClient;
  try {
    client = new MongoClient(address.uri, {
      appName: `linkspan-${side}`,
      readPreference: 'primary',
      readConcern: { level: 'majority' },
      writeConcern: { w: 'majority', journal: true },
      ...(/serverSelectionTimeoutMS=/i.test(address.uri)
        ? {}
        : { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS }),
      // The engine repeats by itself, and knows why; a repeat inside the driver would hide duplicates [55].
      retryReads: false,
      retryWrites: false,
      maxPoolSize: 64,
      ...(address.tlsCaFile === undefined ? {} : { tlsCAFile: address.tlsCaFile }),
    });
  } catch (error) {
    throw new UserError('INVALID_CONNECTION_STRING', [side, redact(messageOf(error))]);
  }
  try {
    await client.connect();
    await client.db('admin').command({ ping: 1 });
    return client;
  } catch (error) {
    await client.close();
    if (error instanceof MongoServerError && error.code === AUTHENTICATION_FAILED) {
      throw new UserError('AUTHENTICATION_FAILED', [side]);
    }
    const code = side === 'source' ? 'SOURCE_UNREACHABLE' : 'DESTINATION_UNREACHABLE';
    throw new UserError(code, [redact(messageOf(error))]);
  }
}

function refuseWeakOptions(uri: string, side: Side): void {
  const query = uri.split('?')[1] ?? '';
  for (const pair of query.split('&')) {
    const name = pair.split('=')[0] ?? '';
    const refused = REFUSED_OPTIONS.some((option) => option.toLowerCase() === name.toLowerCase());
    if (refused && !HARMLESS.has(pair.toLowerCase())) throw new UserError('WEAK_CONNECTION_OPTION', [side, name]);
  }
}
