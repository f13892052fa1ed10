import { type CatalogEntry, listCollections } from '../../catalog/read-catalog.ts';
import { catalogName, isUserDatabase } from '../../mongodb/namespaces.ts';
import { type NamespaceFilter, Selection } from '../../scope/selection.ts';
import { type Found, found } from '../finding.ts';
import type { Look } from '../look.ts';

/** The names in `/start` and in the configuration file, which users look for when they read a finding. */
type ListName = 'includeNamespaces' | 'excludeNamespaces';

/**
 * Finds names in namespace filters that match nothing on the source. A misspelt include omits a collection, and a
 * misspelt exclude migrates an unwanted one, so a literal name is an error. A pattern may concern future collections,
 * so it is a warning. For new migrations only: the source may drop a selected collection while its migration is
 * stopped.
 */
export async function checkFilters({ source, options, catalog, isNew }: Look): Promise<Found[]> {
  const { include = [], exclude = [] } = options.filters ?? {};
  if (include.length + exclude.length === 0 || !(await isNew())) return [];
  const ofAdmin = (await listCollections(source, 'admin')).filter(({ name }) => !name.startsWith('system.'));
  const entries = [...(await catalog()), ...ofAdmin];
  return [
    ...include.flatMap((filter) => checkFilter('includeNamespaces', filter, entries)),
    // No migration selects the server's own databases, so excluding them as a whole is harmless.
    ...exclude
      .filter(({ database }) => database === undefined || isUserDatabase(database))
      .flatMap((filter) => checkFilter('excludeNamespaces', filter, entries)),
  ];
}

function checkFilter(list: ListName, filter: NamespaceFilter, entries: readonly CatalogEntry[]): Found[] {
  const { database, databaseRegex, collections, collectionsRegex } = filter;
  const inDatabase = matching(entries, { database, databaseRegex });
  if (inDatabase.length === 0) {
    return database === undefined
      ? [unmatchedPattern(list, `databaseRegex \`${databaseRegex?.pattern}\``)]
      : [unmatchedName(list, `\`${database}\``, database)];
  }
  const where = database === undefined ? `databases like \`${databaseRegex?.pattern}\`` : `\`${database}\``;
  if (collections === undefined) {
    if (matching(inDatabase, filter).length > 0) return [];
    return [unmatchedPattern(list, `collectionsRegex \`${collectionsRegex?.pattern}\` in ${where}`)];
  }
  if (collections.length === 0) return [unmatchedName(list, `no collection of ${where}`)];
  const names = new Set(inDatabase.map(({ name }) => catalogName(name)));
  const missing = collections.filter((name) => !names.has(name));
  return missing.map((name) => {
    if (database === undefined) return unmatchedName(list, `\`${name}\` in ${where}`);
    return unmatchedName(list, `\`${database}.${name}\``, `${database}.${name}`);
  });
}

function matching(entries: readonly CatalogEntry[], filter: NamespaceFilter): readonly CatalogEntry[] {
  const selection = new Selection({ include: [filter] });
  return entries.filter(({ database, name }) => selection.has(database, name));
}

function unmatchedName(list: ListName, name: string, namespace?: string): Found {
  return found('FILTER_MATCHES_NOTHING', [list, name], namespace);
}

function unmatchedPattern(list: ListName, pattern: string): Found {
  return found('PATTERN_MATCHES_NOTHING', [list, pattern]);
}
