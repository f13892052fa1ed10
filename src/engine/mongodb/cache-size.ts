import type { MongoClient } from 'mongodb';
import { isUnauthorized } from './unauthorized.ts';

/**
 * Returns the size in bytes of the primary's cache; undefined when the user may not ask or the server doesn't say, and
 * Infinity for a storage engine without one.
 */
export async function readCacheBytes(client: MongoClient): Promise<number | undefined> {
  try {
    const { wiredTiger, storageEngine } = await client.db('admin').command({ serverStatus: 1 });
    const bytes = wiredTiger?.cache?.['maximum bytes configured'];
    if (bytes !== undefined) return Number(bytes);
    return (storageEngine?.name ?? 'wiredTiger') === 'wiredTiger' ? undefined : Number.POSITIVE_INFINITY;
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    return undefined;
  }
}
