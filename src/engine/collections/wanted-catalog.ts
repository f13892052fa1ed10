import type { UUID } from 'mongodb';
import { databaseExists, listCollections } from '../catalog/read-catalog.ts';
import { refuseUnsupported } from '../catalog/unsupported.ts';
import { NotNow } from '../mongodb/failure-policy.ts';
import type { Clusters } from '../records/context.ts';
import { refuseNameConflicts } from '../scope/name-conflicts.ts';
import type { Migrated } from './context.ts';
import type { PlacedEntry } from './placed-entry.ts';
import { refuseOtherFilters, refuseRenamedAway } from './refuse-renamed.ts';
import { refuseRepeatedNames } from './refuse-repeated-names.ts';

export type PlacedCollection = PlacedEntry & { readonly uuid: UUID };

/** The selected part of a database on the source. */
export interface Wanted {
  readonly database: string;
  /** Whether the source no longer has the database. */
  readonly isGone: boolean;
  readonly collections: readonly PlacedCollection[];
  readonly views: readonly PlacedEntry[];
}

/** Adds known databases whose names differ only by case from one of these: no server has both at the same time. */
export function withNamesakes(context: Migrated, databases: ReadonlySet<string>): ReadonlySet<string> {
  const folded = new Set([...databases].map((name) => context.namespaces.database(name).toLowerCase()));
  const known = knownDatabases(context).filter((name) => folded.has(context.namespaces.database(name).toLowerCase()));
  return new Set([...databases, ...known]);
}

/** @throws NotNow when a database was dropped and recreated meanwhile with a name that differs only by case: both would be listed */
export async function readAllWanted(
  context: Clusters & Migrated,
  databases: Iterable<string>,
): Promise<readonly Wanted[]> {
  const listed: Wanted[] = [];
  for (const database of databases) listed.push(await readWanted(context, database));
  const present = listed.filter(({ collections, views }) => collections.length + views.length > 0);
  const folded = present.map(({ database }) => context.namespaces.database(database).toLowerCase());
  if (new Set(folded).size < folded.length)
    throw new NotNow('a database of the source has just been made again with other letters of its name in upper case');
  return listed;
}

async function readWanted(context: Clusters & Migrated, database: string): Promise<Wanted> {
  const listed = await listCollections(context.source, database);
  const wanted = listed
    .filter(({ name }) => context.selection.has(database, name))
    .map((entry) => ({ ...entry, destinationName: context.namespaces.collection(database, entry.name) }));
  refuseUnsupported(wanted, context.sourceFeatures); // First: a collection may have the name of another's buckets permanently.
  refuseRepeatedNames(wanted);
  refuseNameConflicts(context.namespaces, database, wanted);
  refuseRenamedAway(context, listed);
  refuseOtherFilters(context, wanted);
  const collections = wanted.filter((entry): entry is PlacedCollection => entry.uuid !== undefined);
  const views = wanted.filter(({ type }) => type === 'view');
  const isGone = wanted.length === 0 && !(await databaseExists(context.source, database));
  return { database, isGone, collections, views };
}

/** Returns the databases of the migration's collections and views, by their names on the source. */
export function knownDatabases({ tracked, views }: Migrated): string[] {
  return [...[...tracked.values()].map(({ sourceDatabase }) => sourceDatabase), ...views.databases];
}
