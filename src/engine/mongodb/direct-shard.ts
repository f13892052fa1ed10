import { MongoClient, type MongoClientOptions } from 'mongodb';
import { UnjoinedConnection } from '../bson/unjoined-connection.ts';
import { dialMembersAsOwn } from './dial-members.ts';
import type { Shard } from './sharding.ts';

/** A shard that can't be reached from here must not hold up the figures of the others. */
const SELECTION_TIMEOUT_MS = 5_000;

/**
 * Returns a client of one shard, past the routers, that isn't connected yet. It has the user, the TLS options and the times of the
 * routers' client. It is for reads only, and never for documents: a shard has documents that belong to another one.
 * @param router  a connected client
 */
export function directClient(router: MongoClient, { set, hosts }: Shard): MongoClient {
  const { credentials, connectTimeoutMS, heartbeatFrequencyMS, maxIdleTimeMS, serverSelectionTimeoutMS, ...rest } =
    router.options;
  const { username = '', password = '', source, mechanism, mechanismProperties = {} } = credentials ?? {};
  const login = [username, password].filter((part) => part !== '').map(encodeURIComponent);
  const user = login.length === 0 ? '' : `${login.join(':')}@`;
  const tls = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith('tls')));
  const options: MongoClientOptions = {
    ...tls,
    ...(credentials && { authSource: source }),
    ...(credentials && mechanism !== 'DEFAULT' && { authMechanism: mechanism }),
    ...(Object.keys(mechanismProperties).length > 0 && { authMechanismProperties: mechanismProperties }),
    appName: rest.appName,
    replicaSet: set,
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    retryReads: false,
    retryWrites: false,
    connectTimeoutMS,
    heartbeatFrequencyMS,
    maxIdleTimeMS,
    serverSelectionTimeoutMS: Math.min(SELECTION_TIMEOUT_MS, serverSelectionTimeoutMS),
    // Halves the connections of the monitors: a cluster may have many shards.
    serverMonitoringMode: 'poll',
    maxPoolSize: 2,
    ...{ connectionType: UnjoinedConnection },
  };
  const client = new MongoClient(`mongodb://${user}${hosts}/`, options);
  dialMembersAsOwn(client);
  return client;
}
