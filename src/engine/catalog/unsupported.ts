import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { BLOCK_RECORD, isBuckets, STORED_FUNCTIONS, shownName } from '../mongodb/namespaces.ts';
import type { SourceFeatures } from '../mongodb/server-features.ts';
import { type CatalogEntry, listCollections } from './read-catalog.ts';
import { whyUnknown } from './unknown.ts';

/** The bytes of the string in BSON. */
const CONSTRAINT = Buffer.from('\u000b\0\0\0constraint\0');
const UNSEEN = 'are not in the change streams of servers before 6.0';

/** Returns why an entry can't be migrated yet; undefined when it can. */
export function whyUnsupported(entry: CatalogEntry, source: SourceFeatures): string | undefined {
  if (!source.showsCatalogChanges && isBuckets(entry.name)) return `a time series, whose changes ${UNSEEN}`;
  if (!source.showsCatalogChanges && entry.name === STORED_FUNCTIONS)
    return `a collection of stored functions, whose changes ${UNSEEN}`;
  if (!source.fillsBuckets && isBuckets(entry.name))
    return 'a time series, which the destination would store without a collection of buckets (MongoDB 9.0); linkspan probe tries whether it takes them';
  if (entry.database === 'admin') return 'in the database admin, whose changes no change stream shows';
  if (entry.options.has('encryptedFields')) return 'a collection with queryable encryption';
  // rule: refuse-constraint
  if (isConstraint(entry))
    return 'a collection with the validation level constraint (MongoDB 9.0), which takes no write that bypasses validation, as those of Linkspan do';
  if (entry.name.startsWith('system.') && entry.name !== STORED_FUNCTIONS && !isBuckets(entry.name))
    return 'a system collection';
  // Older servers created such names; current ones refuse them (tried on 6.0.5).
  if (entry.name.includes('$')) return 'a collection with $ in its name, which current servers refuse';
  return whyUnknown(entry);
}

/**
 * Whether servers refuse every write to the collection that bypasses its validation, and every change of its rules (server
 * manual, Specify Validation Level; document_validation_helpers.cpp).
 */
function isConstraint({ options }: CatalogEntry): boolean {
  const level = options.get('validationLevel');
  return level?.bytes.equals(CONSTRAINT) ?? false;
}

/**
 * Returns the selected collections in `admin` that belong to users. That database has the server's own collections and
 * the record of a write block, and no stream shows changes of the others (server manual, Change Streams).
 */
export async function selectedInAdmin(
  source: MongoClient,
  selection: { has(database: string, collection: string): boolean },
): Promise<CatalogEntry[]> {
  const listed = await listCollections(source, 'admin');
  // rule: leave-out-block-record
  const isOfUsers = (name: string) => !name.startsWith('system.') && name !== BLOCK_RECORD.name;
  return listed.filter(({ name }) => isOfUsers(name) && selection.has('admin', name));
}

/**
 * Stops before any change is half done.
 * @throws UserError UNSUPPORTED_NAMESPACE naming the first such namespace
 */
export function refuseUnsupported(entries: readonly CatalogEntry[], source: SourceFeatures): void {
  for (const entry of entries) {
    const reason = whyUnsupported(entry, source);
    const { database, name, options } = entry;
    if (reason !== undefined)
      throw new UserError('UNSUPPORTED_NAMESPACE', [`${database}.${shownName(name, options)}`, reason]);
  }
}
