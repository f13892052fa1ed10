import { BSON, type Document, type MongoClient } from 'mongodb';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { isBuckets } from '../mongodb/namespaces.ts';
import { isUnauthorized } from '../mongodb/unauthorized.ts';
import { sweep } from './within.ts';

/** A search or vector search index, which only a search process has: it is no index of the server, and is not migrated. */
export interface SearchIndex {
  readonly database: string;
  readonly collection: string;
  readonly name: string;
  readonly type: string;
  /** The definition that `createSearchIndexes` takes, as relaxed Extended JSON; undefined when the server doesn't show it. */
  readonly definition?: Document;
}

/** The search indexes of a cluster, and the number of namespaces that could not be read. */
export interface SearchIndexes {
  readonly indexes: readonly SearchIndex[];
  /** Collections and views whose search indexes the user may not list. */
  readonly refused: number;
  /** Collections and views for which there was no time. */
  readonly left: number;
}

/**
 * The replies of a server without search: 40324 when it doesn't know the stage (tried on 6.0.5; the stage came with 6.0.7),
 * 6047401 when its build has no search (server source, jstests/aggregation/sources/search_stage_error.js), and 31082,
 * SearchNotEnabled, when no search process is configured (search_index_common.cpp).
 */
const WITHOUT_SEARCH: ReadonlySet<unknown> = new Set([40324, 6047401, 31082]);

/** The stage has to be the first, which it isn't after the pipeline of a view. Newer servers list those of views, too. */
const NOT_FIRST = 40602;

/**
 * Lists all search indexes of these collections and views. Needs the privilege `listSearchIndexes`, which the role `read`
 * has (server manual, $listSearchIndexes); 7.0 before its fix SERVER-82929 asked for `find`.
 * @throws the server's error, if it is another one
 */
export async function readSearchIndexes(
  client: MongoClient,
  entries: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<SearchIndexes> {
  // Atlas Search supports no time series (Atlas manual, Atlas Search Compatibility & Limitations).
  const searchable = entries.filter(({ name }) => !isBuckets(name));
  let hasSearch = true;
  const { results, left } = await sweep(searchable, signal, async ({ database, name: collection }) => {
    if (!hasSearch) return [];
    try {
      const listed = await client
        .db(database)
        .collection(collection)
        .aggregate([{ $listSearchIndexes: {} }])
        .toArray();
      return listed.map(({ name, type = 'search', latestDefinition }): SearchIndex => {
        const definition = latestDefinition && { definition: BSON.EJSON.serialize(latestDefinition) };
        return { database, collection, name: String(name), type: String(type), ...definition };
      });
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (isUnauthorized(error)) return undefined;
      if (WITHOUT_SEARCH.has(code)) hasSearch = false;
      else if (code !== NOT_FIRST) throw error;
      return [];
    }
  });
  const indexes = results.flatMap((one) => one ?? []);
  return { indexes, refused: results.filter((one) => one === undefined).length, left };
}
