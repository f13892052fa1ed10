import { MongoClient } from 'mongodb';
import { noteRouters } from '../../src/engine/mongodb/sharding.ts';

/** A client that never connects, and is taken for one of a sharded cluster's routers. */
export function unconnectedRouter(): MongoClient {
  const client = new MongoClient('mongodb://127.0.0.1:1');
  noteRouters(client);
  client.emit('serverDescriptionChanged', { newDescription: { type: 'Mongos' } } as never);
  return client;
}
