import { UserError } from '../../platform/index.ts';
import { isBuckets } from './namespaces.ts';
import type { CatalogEntry } from './read-catalog.ts';

/** Why an entry can't be migrated yet; undefined when it can. */
export function whyUnsupported(entry: CatalogEntry): string | undefined {
  if (entry.options.has('encryptedFields')) return 'a collection with queryable encryption';
  if (entry.name.startsWith('system.') && entry.name !== 'system.js' && !isBuckets(entry.name))
    return 'a system collection';
  return undefined;
}

/** Stops before anything is done by halves. @throws UserError UNSUPPORTED_NAMESPACE naming the first such namespace */
export function refuseUnsupported(entries: readonly CatalogEntry[]): void {
  for (const entry of entries) {
    const reason = whyUnsupported(entry);
    if (reason !== undefined) throw new UserError('UNSUPPORTED_NAMESPACE', [`${entry.database}.${entry.name}`, reason]);
  }
}
