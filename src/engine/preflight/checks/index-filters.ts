import type { Document, MongoClient } from 'mongodb';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { unlessUnauthorized } from '../../mongodb/unauthorized.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { sweep } from '../within.ts';

/** Names that a finding lists. */
const SHOWN = 5;

/**
 * Finds index filters of the source's primary, or of its shards' primaries: they are in their memory only, so no migration moves them.
 * Listing them needs the privilege `planCacheIndexFilter`, which a migration doesn't: without it, nothing is found.
 */
export async function checkIndexFilters({ source, from, entries, signal }: Look): Promise<Found[]> {
  const collections = (await entries()).filter(({ type }) => type === 'collection');
  const { results, left } = await sweep(collections, signal, async (entry) =>
    (await hasIndexFilters(source, entry)) ? [`${entry.database}.${entry.name}`] : [],
  );
  const names = results.flat().sort();
  const shown = names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ', …' : '');
  return [
    ...(names.length === 0
      ? []
      : [found('INDEX_FILTERS_LEFT', [shown, from.sharded ? "shards' primaries" : 'primary'])]),
    ...(left === 0 ? [] : [found('CHECK_INCOMPLETE', [`the index filters of ${left} collections`, NO_TIME])]),
  ];
}

async function hasIndexFilters(client: MongoClient, { database, name }: CatalogEntry): Promise<boolean> {
  const reply = await unlessUnauthorized(() => client.db(database).command({ planCacheListFilters: name }));
  // A router's reply has that of each shard under the shard's name.
  return [reply, ...Object.values<Document | undefined>(reply ?? {})].some((one) => one?.filters?.length > 0);
}
