import { UserError } from '../../platform/index.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { catalogName } from '../mongodb/namespaces.ts';
import { whyUnfilterable } from '../scope/document-filters.ts';
import type { Migrated } from './context.ts';

/**
 * Refuses a collection that was renamed out of the selection. The engine would no longer follow its changes, which must not look like a drop.
 * @throws UserError NAMESPACE_CONFLICT
 */
export function refuseRenamedAway(context: Migrated, listed: readonly CatalogEntry[]): void {
  for (const { database, name, uuid } of listed) {
    const collection = uuid === undefined ? undefined : context.tracked.get(uuid.toHexString(false));
    if (collection === undefined || context.selection.has(database, name)) continue;
    throw new UserError('NAMESPACE_CONFLICT', [
      collection.namespace,
      `it was renamed to ${name}, which is not selected`,
    ]);
  }
}

/**
 * Refuses a collection that was renamed to a name with a document filter, but was copied without this filter. A filter belongs to the
 * collection that has the name first, and the engine must not guess whether the user meant the other one too.
 * @throws UserError NAMESPACE_CONFLICT
 */
export function refuseOtherFilters({ documentFilters, tracked }: Migrated, wanted: readonly CatalogEntry[]): void {
  for (const entry of wanted) {
    const query = documentFilters.of(entry.database, catalogName(entry.name));
    if (query === undefined) continue;
    const namespace = `${entry.database}.${catalogName(entry.name)}`;
    const why = whyUnfilterable(entry);
    if (why !== undefined) throw new UserError('NAMESPACE_CONFLICT', [namespace, `${why} can't be filtered`]);
    const collection = entry.uuid && tracked.get(entry.uuid.toHexString(false));
    if (collection === undefined || collection.filter?.equals(query)) continue;
    const reason = `it has a document filter, and ${collection.namespace}, which came to have its name, was copied without it`;
    throw new UserError('NAMESPACE_CONFLICT', [namespace, reason]);
  }
}
