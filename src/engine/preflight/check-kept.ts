import type { MongoClient } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import type { NamespaceMap } from '../catalog/namespace-map.ts';
import { catalogName } from '../catalog/namespaces.ts';
import { type CatalogEntry, listCollections, listUserDatabases } from '../catalog/read-catalog.ts';

/** A destination that keeps its data must have none of the names that are to be written: every one that it has, by name. */
export async function checkKept(
  destination: MongoClient,
  entries: readonly CatalogEntry[],
  map: NamespaceMap,
): Promise<UserError[]> {
  const errors: UserError[] = [];
  const databases = await listUserDatabases(destination);
  for (const [of, wanted] of Map.groupBy(entries, (entry) => entry.database)) {
    const database = map.database(of);
    const lookalike = databases.find((name) => name !== database && name.toLowerCase() === database.toLowerCase());
    if (lookalike !== undefined) {
      const what = `the database ${lookalike}, which differs from ${database} only by case`;
      errors.push(new UserError('NAMESPACE_EXISTS', [what]));
    }
    if (!databases.includes(database)) continue;
    const taken = new Set((await listCollections(destination, database)).map(({ name }) => catalogName(name)));
    for (const name of wanted.map((entry) => catalogName(map.collection(of, entry.name)))) {
      if (taken.has(name)) errors.push(new UserError('NAMESPACE_EXISTS', [`${database}.${name}`]));
    }
  }
  return errors;
}
