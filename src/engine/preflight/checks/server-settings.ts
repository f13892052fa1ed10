import type { MongoClient } from 'mongodb';
import { knownVersion } from '../../mongodb/server-features.ts';
import type { Side } from '../../mongodb/side.ts';
import { type Found, found } from '../finding.ts';
import type { ClusterDescription } from '../inspect-cluster.ts';
import type { Look } from '../look.ts';

type Version = Pick<ClusterDescription, 'mongoDBVersion'>;

/** Its own files and connections need the rest. */
const USABLE_SHARE = 0.5;

/** Finds servers of versions that were never tried with Linkspan, and what its tests have in their place. */
export function checkVersionsTried({ from, to }: Record<'from' | 'to', Version>): Found[] {
  const sides = [
    ['source', from.mongoDBVersion],
    ['destination', to.mongoDBVersion],
  ] as const;
  return sides.flatMap(([side, version]) => {
    const standing = knownVersion(version);
    if (standing.known === 'TRIED') return [];
    const model = standing.known === 'MODELLED' ? `a model of ${standing.model}` : 'no model of it';
    return [found('VERSION_NOT_TRIED', [side, version, model])];
  });
}

/** Whether a side that is written to refuses queries without an index (the server's parameter `notablescan`). */
export async function checkTableScans({ source, destination, options }: Look): Promise<Found[]> {
  return [
    ...(await refusesScans(destination, 'destination')),
    ...(options.reversible ? await refusesScans(source, 'source') : []),
  ];
}

async function refusesScans(client: MongoClient, side: Side): Promise<Found[]> {
  const { notablescan } = await client.db('admin').command({ getParameter: 1, notablescan: 1 });
  return notablescan ? [found('TABLE_SCANS_REFUSED', [side])] : [];
}

/** Whether the destination may open as many files as the source's collections and indexes need: one for each. */
export async function checkOpenFiles({ destination, sizes }: Pick<Look, 'destination' | 'sizes'>): Promise<Found[]> {
  const { collections, indexes } = await sizes();
  const { extra } = await destination.db('admin').command({ hostInfo: 1 });
  const needed = 2 * collections + indexes;
  // 6.0 nests it once more than its manual says (tried on 6.0.5 and 6.0.27).
  const limit = Number(extra?.extra?.maxOpenFiles ?? extra?.maxOpenFiles ?? Number.POSITIVE_INFINITY);
  if (needed <= limit * USABLE_SHARE) return [];
  return [found('FILE_LIMIT_LOW', [limit.toLocaleString('en'), needed.toLocaleString('en')])];
}
