import { UserError } from '../../../platform/index.ts';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { catalogName } from '../../mongodb/namespaces.ts';
import { nameConflicts } from '../../scope/name-conflicts.ts';
import type { NamespaceMap } from '../../scope/namespace-map.ts';

/** Returns a finding for each name that the destination can't have. */
export function checkNames(map: NamespaceMap, entries: readonly CatalogEntry[]): UserError[] {
  const byDatabase = Map.groupBy(entries, ({ database }) => database);
  return [...byDatabase].flatMap(([database, of]) => nameConflicts(map, database, of));
}

/**
 * Every remapped name must exist when a migration begins: with a misspelt one, the intended namespace would keep its
 * old name.
 */
export function checkRemapped(map: NamespaceMap, entries: readonly CatalogEntry[]): UserError[] {
  const missing = map.remaps.filter(
    ({ from }) =>
      !entries.some(
        ({ database, name }) =>
          database === from.database && (from.collection === undefined || catalogName(name) === from.collection),
      ),
  );
  return missing.map(({ from }) => {
    const name = [from.database, from.collection].filter((part) => part !== undefined).join('.');
    return new UserError('INVALID_REMAP', [`the source has no ${name}, or it is not selected`]);
  });
}
