import type { Collection, MongoClient } from 'mongodb';
import { INTERNAL_DATABASE } from '../mongodb/namespaces.ts';

/** Returns a collection of the engine's records on a cluster, to read the state of its majority. */
export function recordsOn<T extends object>(client: MongoClient, name: string): Collection<T> {
  const readConcern = { level: 'majority' } as const;
  return client.db(INTERNAL_DATABASE).collection<T>(name, { readConcern });
}
