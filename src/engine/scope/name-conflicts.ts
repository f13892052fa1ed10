import { UserError } from '../../platform/index.ts';
import { namesRead } from '../catalog/names-read.ts';
import type { CatalogEntry } from '../catalog/read-catalog.ts';
import { catalogName } from '../mongodb/namespaces.ts';
import type { NamespaceMap } from './namespace-map.ts';

/** The longest full name of a collection, in bytes (server manual, Naming Restrictions). */
const LONGEST_NAMESPACE_BYTES = 255;

/**
 * Finds names that the destination can't have: two namespaces of the source with one name, and views that would read
 * another collection there.
 * @param entries  the selected entries of one database
 */
export function nameConflicts(map: NamespaceMap, database: string, entries: readonly CatalogEntry[]): UserError[] {
  const conflicts: UserError[] = [];
  const report = (name: string, reason: string) => {
    conflicts.push(new UserError('NAMESPACE_CONFLICT', [name, reason]));
  };
  const rival = entries.length > 0 ? map.rivalOf(database) : undefined;
  if (rival !== undefined) report(database, `the database ${rival} is to have its name on the destination`);

  const ambiguous = map.ambiguousNames(database);
  if (ambiguous.size === 0 && map.database(database) === database) return conflicts;
  const owners = new Map<string, string>();
  for (const entry of entries) {
    const namespace = `${database}.${catalogName(entry.name)}`;
    const target = `${map.database(database)}.${catalogName(map.collection(database, entry.name))}`;
    const owner = owners.get(target);
    if (owner !== undefined) report(namespace, `${owner}, too, is to be ${target} on the destination`);
    owners.set(target, namespace);
    if (Buffer.byteLength(target) > LONGEST_NAMESPACE_BYTES) report(namespace, `${target} is too long a name`);
    const read = entry.type === 'view' ? [...namesRead(entry)].find((name) => ambiguous.has(name)) : undefined;
    if (read !== undefined)
      report(namespace, `it reads ${database}.${read}, which the remap renames or gives as a name`);
  }
  return conflicts;
}

/** @throws the first conflict */
export function refuseNameConflicts(map: NamespaceMap, database: string, entries: readonly CatalogEntry[]): void {
  const [conflict] = nameConflicts(map, database, entries);
  if (conflict !== undefined) throw conflict;
}
