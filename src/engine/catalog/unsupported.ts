import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { isBuckets } from '../mongodb/namespaces.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { type CatalogEntry, listCollections } from './read-catalog.ts';

const UNSEEN = 'are not in the change streams of servers before 6.0';

/** Why an entry can't be migrated yet; undefined when it can. */
export function whyUnsupported(entry: CatalogEntry, source: SourceFeatures): string | undefined {
  if (!source.showsCatalogChanges && isBuckets(entry.name)) return `a time series, whose changes ${UNSEEN}`;
  if (!source.showsCatalogChanges && entry.name === 'system.js')
    return `a collection of stored functions, whose changes ${UNSEEN}`;
  if (entry.database === 'admin') return 'in the database admin, whose changes no change stream shows';
  if (entry.options.has('encryptedFields')) return 'a collection with queryable encryption';
  if (entry.name.startsWith('system.') && entry.name !== 'system.js' && !isBuckets(entry.name))
    return 'a system collection';
  // Servers of old made such names; those of today refuse them (tried on 6.0.5).
  if (entry.name.includes('$')) return 'a collection with $ in its name, which servers of today refuse';
  return undefined;
}

/** The database `admin` has the server's own collections, beside which no stream shows changes of others (server manual, Change Streams). */
export async function selectedInAdmin(
  source: MongoClient,
  selection: { has(database: string, collection: string): boolean },
): Promise<CatalogEntry[]> {
  const listed = await listCollections(source, 'admin');
  return listed.filter(({ name }) => !name.startsWith('system.') && selection.has('admin', name));
}

/** Stops before anything is done by halves. @throws UserError UNSUPPORTED_NAMESPACE naming the first such namespace */
export function refuseUnsupported(entries: readonly CatalogEntry[], source: SourceFeatures): void {
  for (const entry of entries) {
    const reason = whyUnsupported(entry, source);
    if (reason !== undefined) throw new UserError('UNSUPPORTED_NAMESPACE', [`${entry.database}.${entry.name}`, reason]);
  }
}
