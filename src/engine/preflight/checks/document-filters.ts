import type { MongoClient } from 'mongodb';
import { messageOf, type UserError } from '../../../platform/index.ts';
import { rawDocument } from '../../bson/raw-document.ts';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { classify } from '../../mongodb/failure-policy.ts';
import { catalogName } from '../../mongodb/namespaces.ts';
import { REPLY_OPTIONS } from '../../mongodb/reply-options.ts';
import { type DocumentFilters, invalidFilter, whyUnfilterable } from '../../scope/document-filters.ts';

/** Returns document filters that the server doesn't understand. The server plans a query with each, and runs none. */
export async function checkQueries(source: MongoClient, filters: DocumentFilters): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const { filter, query } of filters.all) {
    const explained = { find: filter.collection, filter: rawDocument(query) };
    try {
      await source.db(filter.database).command({ explain: explained, verbosity: 'queryPlanner' }, REPLY_OPTIONS);
    } catch (error) {
      if (classify(error) === 'transient') throw error;
      errors.push(invalidFilter(`${filter.database}.${filter.collection}`, messageOf(error), error));
    }
  }
  return errors;
}

/**
 * Returns document filters for missing collections, whose names may be misspelt, and for kinds that can't be filtered.
 */
export function checkFiltered(filters: DocumentFilters, entries: readonly CatalogEntry[]): UserError[] {
  return filters.all.flatMap(({ filter: { database, collection } }) => {
    const entry = entries.find((one) => one.database === database && catalogName(one.name) === collection);
    const why =
      entry === undefined ? 'the source has no such collection, or it is not selected' : whyUnfilterable(entry);
    if (why === undefined) return [];
    return [invalidFilter(`${database}.${collection}`, entry === undefined ? why : `${why} can't be filtered`)];
  });
}
