import { isDeepStrictEqual } from 'node:util';
import type { Document, MongoClient } from 'mongodb';
import { isUnauthorized } from '../../mongodb/unauthorized.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/** From 8.0 on, the parameter that holds the query settings. `getClusterParameter` hides it. */
const QUERY_SETTINGS = 'querySettings';

/** A sharded cluster sets these by itself when shards are added and removed. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  QUERY_SETTINGS,
  'shardedClusterCardinalityForDirectConns',
  'addOrRemoveShardInProgress',
]);

/** The document of a parameter that was set once, without the time at which. */
type Parameters = ReadonlyMap<string, Document>;

/**
 * Finds cluster parameters and query settings that were set on the source, and that the destination doesn't show alike. Reads where servers
 * keep them, since `backup` and `clusterMonitor` may read it. `getClusterParameter` and `$querySettings` need roles that a migration
 * doesn't (tried on 6.0.5).
 * @throws the server's error when the user may not read the source's
 */
export async function checkClusterParameters({
  source,
  destination,
}: Pick<Look, 'source' | 'destination'>): Promise<Found[]> {
  const here = await parametersOf(source);
  const there = here.size === 0 ? here : await parametersIfAllowed(destination);
  const differing = [...here].filter(([name, value]) => !isDeepStrictEqual(value, there.get(name)));
  const names = differing.map(([name]) => name).filter((name) => !OF_THE_SERVER.has(name));
  const settings: unknown = differing.find(([name]) => name === QUERY_SETTINGS)?.[1].settingsArray;
  const shapes = Array.isArray(settings) ? settings.length : 0;
  return [
    ...(shapes === 0 ? [] : [found('QUERY_SETTINGS_LEFT', [String(shapes)])]),
    ...(names.length === 0 ? [] : [found('CLUSTER_PARAMETERS_LEFT', [names.sort().join(', ')])]),
  ];
}

async function parametersOf(client: MongoClient): Promise<Parameters> {
  const all = await client.db('config').collection<{ _id: string } & Document>('clusterParameters').find().toArray();
  return new Map(all.map(({ _id, clusterParameterTime: _, ...value }) => [_id, value]));
}

async function parametersIfAllowed(client: MongoClient): Promise<Parameters> {
  try {
    return await parametersOf(client);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    return new Map();
  }
}
