import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import { catalogName } from '../mongodb/namespaces.ts';

/**
 * A server lists collections one after the other, and looks up each name anew. So it lists two with one name when one replaces the other
 * meanwhile.
 * @throws NotNow when it did
 */
export function refuseRepeatedNames(entries: readonly CatalogEntry[]): void {
  const names = new Set(entries.map(({ name }) => catalogName(name)));
  if (names.size < entries.length)
    throw new NotNow('a collection of the source was replaced while its database was listed');
}
