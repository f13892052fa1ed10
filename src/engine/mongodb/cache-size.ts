import type { MongoClient } from 'mongodb';
import { unlessUnauthorized } from './unauthorized.ts';

/**
 * Returns the size in bytes of the primary's cache; undefined when the user may not ask or the server doesn't say, and
 * Infinity for a storage engine without one.
 */
export async function readCacheBytes(client: MongoClient): Promise<number | undefined> {
  const status = await unlessUnauthorized(() => client.db('admin').command({ serverStatus: 1 }));
  const bytes = status?.wiredTiger?.cache?.['maximum bytes configured'];
  if (bytes !== undefined) return Number(bytes);
  return (status?.storageEngine?.name ?? 'wiredTiger') === 'wiredTiger' ? undefined : Number.POSITIVE_INFINITY;
}
