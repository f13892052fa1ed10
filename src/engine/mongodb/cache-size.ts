import type { MongoClient } from 'mongodb';
import { isUnauthorized } from './unauthorized.ts';

/** Returns the size in bytes of the primary's cache; undefined when the user may not ask, and Infinity without WiredTiger. */
export async function readCacheBytes(client: MongoClient): Promise<number | undefined> {
  try {
    const { wiredTiger } = await client.db('admin').command({ serverStatus: 1 });
    return Number(wiredTiger?.cache?.['maximum bytes configured'] ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    return undefined;
  }
}
