import type { MongoClient } from 'mongodb';
import { type CatalogEntry, listCollections, listUserDatabases } from '../../catalog/read-catalog.ts';
import { catalogName } from '../../mongodb/namespaces.ts';
import type { NamespaceMap } from '../../scope/namespace-map.ts';
import { type Found, found } from '../finding.ts';

/**
 * A destination that keeps its data must have none of the migration's names. Returns a finding for each that it has.
 */
export async function checkKept(
  destination: MongoClient,
  entries: readonly CatalogEntry[],
  map: NamespaceMap,
): Promise<Found[]> {
  const taken: Found[] = [];
  const databases = await listUserDatabases(destination);
  for (const [of, wanted] of Map.groupBy(entries, (entry) => entry.database)) {
    const database = map.database(of);
    const lookalike = databases.find((name) => name !== database && name.toLowerCase() === database.toLowerCase());
    if (lookalike !== undefined) {
      const what = `the database ${lookalike}, which differs from ${database} only by case`;
      taken.push(found('NAMESPACE_EXISTS', [what], database));
    }
    if (!databases.includes(database)) continue;
    const present = new Set((await listCollections(destination, database)).map(({ name }) => catalogName(name)));
    for (const name of wanted.map((entry) => catalogName(map.collection(of, entry.name)))) {
      const namespace = `${database}.${name}`;
      if (present.has(name)) taken.push(found('NAMESPACE_EXISTS', [namespace], namespace));
    }
  }
  return taken;
}
