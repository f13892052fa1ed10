import { type MongoClient, MongoServerError, type UUID } from 'mongodb';
import type { Fields } from '../catalog/fields.ts';
import type { IndexSpec } from '../catalog/index-spec.ts';
import { type CatalogEntry, listCollections, listIndexes, listUserDatabases } from '../catalog/read-catalog.ts';
import { raisedFlags } from '../catalog/time-series-flags.ts';
import { whyUnknown, whyUnknownIndex } from '../catalog/unknown.ts';
import { Slots } from '../concurrency/slots.ts';
import { isBuckets, shownName } from '../mongodb/namespaces.ts';
import type { Retrier } from '../mongodb/retry.ts';
import type { Side } from '../mongodb/side.ts';
import type { NamespaceMap } from '../scope/namespace-map.ts';
import type { Selection } from '../scope/selection.ts';

/** A collection, time series or view of one side, with everything that defines it. */
export interface SideEntry {
  /** `collection`, `timeseries` or `view`. */
  readonly type: string;
  readonly database: string;
  /** The name to read documents by: that of the buckets for a time series. */
  readonly name: string;
  /** The names that users see on both sides, whichever side this is. */
  readonly sourceNamespace: string;
  readonly destinationNamespace: string;
  /** Absent for views. */
  readonly uuid?: UUID;
  readonly options: Fields;
  /** Complete indexes without the one on `_id`. */
  readonly indexes: readonly IndexSpec[];
  /** Flags of a time series without which a server's queries would miss documents. */
  readonly flags: readonly string[];
}

/** The compared entries of one side, by the namespace that each has on the source. */
export type SideCatalog = ReadonlyMap<string, SideEntry>;

/** Returns why an entry can't be compared: no rule knows its kind. @returns undefined when it can */
export function whyIncomparable(entry: SideEntry): string | undefined {
  const unknown = whyUnknown(entry);
  if (unknown !== undefined) return unknown;
  const index = entry.indexes.find((one) => whyUnknownIndex(one) !== undefined);
  return index && `a collection with the index ${index.name}, ${whyUnknownIndex(index)}`;
}

/** Which entries of a side are compared, and which names they have on the other side. */
export interface CompareScope {
  readonly selection: Selection;
  readonly namespaces: NamespaceMap;
  /** The collections, by their namespace on the source, whose indexes and flags are read too; all by default. */
  readonly complete?: { has(sourceNamespace: string): boolean };
  /** The databases that a side should have. They are listed beside the list of databases: a round trip less. None by default. */
  readonly expected?: (side: Side) => ReadonlySet<string>;
}

const LISTED_AT_A_TIME = 8;
/** The server's code for a stage that it doesn't have: `$listCatalog` came with 5.3. */
const UNRECOGNIZED_STAGE = 40_324;

/**
 * Reads the selected part of a side's catalog. A catalog can't be read at one moment, so a difference between two sides
 * counts only when another reading shows it again.
 */
export async function readSideCatalog(client: MongoClient, side: Side, scope: CompareScope): Promise<SideCatalog> {
  const slots = new Slots(LISTED_AT_A_TIME);
  const list = (database: string) => slots.run(() => listCollections(client, database));
  const early = new Map([...(scope.expected?.(side) ?? [])].map((database) => [database, list(database)]));
  // One of a database that is gone is not awaited.
  for (const listing of early.values()) listing.catch(() => undefined);
  const databases = await listUserDatabases(client);
  const listed = await Promise.all(databases.map((database) => early.get(database) ?? list(database)));
  const selected = listed.flat().flatMap((entry) => {
    const names = namesOf(entry, side, scope.namespaces);
    return names !== undefined && scope.selection.has(names.database, names.name) ? [{ entry, names }] : [];
  });
  const isComplete = ({ database, name }: Names) => scope.complete?.has(`${database}.${name}`) ?? true;
  const read = selected.map(async ({ entry, names }) =>
    isComplete(names) ? await slots.run(() => readEntry(client, entry, names)) : listedEntry(entry, names),
  );
  const entries = await Promise.all(read);
  const named = entries.map((entry) => [entry.sourceNamespace, entry] as const);
  return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The clients of both sides, and the retrier of their reads. */
interface BothClients {
  readonly source: MongoClient;
  readonly destination: MongoClient;
  readonly retrier: Retrier;
}

/** Reads the selected part of the catalogs of both sides at the same time. */
export async function readBothCatalogs(
  { source, destination, retrier }: BothClients,
  scope: CompareScope,
): Promise<{ readonly source: SideCatalog; readonly destination: SideCatalog }> {
  const [there, here] = await Promise.all([
    retrier.run('the source', () => readSideCatalog(source, 'source', scope)),
    retrier.run('the destination', () => readSideCatalog(destination, 'destination', scope)),
  ]);
  return { source: there, destination: here };
}

async function readEntry(client: MongoClient, entry: CatalogEntry, names: Names): Promise<SideEntry> {
  const indexes = entry.type === 'view' ? [] : await listIndexes(client, entry.database, entry.name);
  return { ...listedEntry(entry, names), indexes, flags: await flagsOf(client, entry) };
}

/** Returns the entry as the listing of its database shows it: everything but indexes and flags. */
function listedEntry({ database, name, options, type, uuid }: CatalogEntry, names: Names): SideEntry {
  return {
    type: isBuckets(name) && options.has('timeseries') ? 'timeseries' : type,
    database,
    name,
    sourceNamespace: `${names.database}.${names.name}`,
    destinationNamespace: names.onDestination,
    ...(uuid === undefined ? {} : { uuid }),
    options,
    indexes: [],
    flags: [],
  };
}

async function flagsOf(client: MongoClient, entry: CatalogEntry): Promise<readonly string[]> {
  try {
    return await raisedFlags(client, entry);
  } catch (error) {
    if (error instanceof MongoServerError && error.code === UNRECOGNIZED_STAGE) return [];
    throw error;
  }
}

interface Names {
  /** On the source. */
  readonly database: string;
  readonly name: string;
  /** The full name. */
  readonly onDestination: string;
}

/** Returns the names on both sides; undefined for an entry of the destination that no namespace of the source becomes. */
function namesOf(entry: CatalogEntry, side: Side, namespaces: NamespaceMap): Names | undefined {
  const shown = shownName(entry.name, entry.options);
  const own = `${entry.database}.${shown}`;
  const database = side === 'source' ? entry.database : namespaces.sourceOf(entry.database);
  const name = side === 'source' ? shown : namespaces.sourceOfCollection(database, shown);
  const onDestination = `${namespaces.database(database)}.${namespaces.collection(database, name)}`;
  // A database with the name that a remapped one has on the source holds something else.
  // rule: foreign-or-remapped-database
  if (side === 'destination' && onDestination !== own) return undefined;
  return { database, name, onDestination };
}
