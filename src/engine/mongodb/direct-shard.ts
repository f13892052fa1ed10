import { MongoClient } from 'mongodb';
import { UnjoinedConnection } from '../bson/unjoined-connection.ts';
import { dialMembersAsOwn } from './dial-members.ts';
import { optionsBeside } from './options-beside.ts';
import type { Shard } from './sharding.ts';

/** A shard that can't be reached from here must not hold up the figures of the others. */
const SELECTION_TIMEOUT_MS = 5_000;

/**
 * Returns a client of one shard, past the routers, that isn't connected yet. It has the user, the TLS options and the times of the
 * routers' client. It is for reads only, and never for documents: a shard has documents that belong to another one.
 * @param router  a connected client
 */
export function directClient(router: MongoClient, { set, hosts }: Shard): MongoClient {
  const [options, login] = optionsBeside(router);
  const client = new MongoClient(`${login}${hosts}/`, {
    ...options,
    replicaSet: set,
    readPreference: 'primary',
    serverSelectionTimeoutMS: Math.min(SELECTION_TIMEOUT_MS, options.serverSelectionTimeoutMS ?? SELECTION_TIMEOUT_MS),
    // Halves the connections of the monitors: a cluster may have many shards.
    serverMonitoringMode: 'poll',
    maxPoolSize: 2,
    ...{ connectionType: UnjoinedConnection },
  });
  dialMembersAsOwn(client);
  return client;
}
