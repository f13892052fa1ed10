import { type Document, type MongoClient, UUID } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { elementNamed } from '../bson/elements.ts';
import { ownBytes } from '../bson/stored-bytes.ts';
import {
  bucketsName,
  catalogName,
  isBuckets,
  isServerCollection,
  isUserDatabase,
  STORED_FUNCTIONS,
} from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import { usesRawData } from '../mongodb/raw-data.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { type IndexSpec, readIndexSpec } from './index-spec.ts';
import { statisticsOf } from './shard-statistics.ts';

/** A collection or view in a cluster's catalog. */
export interface CatalogEntry {
  readonly database: string;
  readonly name: string;
  /** `collection`, `view`, or `timeseries` for one without buckets; another kind of a newer server. */
  readonly type: string;
  /** Absent for views. */
  readonly uuid?: UUID;
  /** The options for `create` to make an equal one. */
  readonly options: Fields;
}

const NAMESPACE_NOT_FOUND = 26;

/** Options that `create` doesn't take, because the server sets them. */
const NOT_CREATABLE = ['uuid', 'temp', 'autoIndexId', 'flags'];

/** Returns the names of the databases with users' data. */
export async function listUserDatabases(client: MongoClient): Promise<string[]> {
  const reply = await client.db('admin').command({ listDatabases: 1, nameOnly: true, authorizedDatabases: false });
  const databases = reply.databases as { name: string }[];
  return databases.map(({ name }) => name).filter(isUserDatabase);
}

export async function databaseExists(client: MongoClient, database: string): Promise<boolean> {
  const filter = { name: database };
  const reply = await client
    .db('admin')
    .command({ listDatabases: 1, nameOnly: true, authorizedDatabases: false, filter });
  return reply.databases.length > 0;
}

/** Whether a database has nothing that its drop would lose. Servers keep empty stored functions until then. */
export async function isEmptyDatabase(client: MongoClient, database: string): Promise<boolean> {
  const listed = await listCollections(client, database);
  if (listed.some(({ name }) => name !== STORED_FUNCTIONS)) return false;
  // rule: keep-foreign-functions
  return (await readAll(client, database, { find: STORED_FUNCTIONS, limit: 1, projection: { _id: 1 } })).length === 0;
}

/**
 * Returns the collections and views of one database, without the server's own. A time series appears as its buckets,
 * with its own options, also that of a server without buckets whose buckets are read by `rawData`. Otherwise that one
 * appears as it is.
 */
export async function listCollections(client: MongoClient, database: string): Promise<CatalogEntry[]> {
  return (await listWithHalves(client, database)).entries;
}

/**
 * Returns the result of {@link listCollections}, and the buckets of time series that don't exist. A time series has two
 * entries: a view-like one with the options, and its buckets with the data. While it is being created or dropped, the
 * listing may have only one of them. The other has its own event in the stream.
 */
export async function listWithHalves(
  client: MongoClient,
  database: string,
): Promise<{ readonly entries: CatalogEntry[]; readonly halves: CatalogEntry[] }> {
  const listed = await readAll(client, database, { listCollections: 1, cursor: { batchSize: 100_000 } });
  const all = listed.map((bytes) => readEntry(database, bytes)).filter(({ name }) => !isServerCollection(name));
  // rule: time-series-without-buckets
  const ofTimeSeries = (entry: CatalogEntry) => entry.type === 'timeseries' && entry.uuid === undefined;
  const timeSeries = new Map(all.filter(ofTimeSeries).map((entry) => [entry.name, entry]));
  const [entries, halves]: [CatalogEntry[], CatalogEntry[]] = [[], []];
  for (const entry of all) {
    if (ofTimeSeries(entry)) continue;
    const whole = isBuckets(entry.name) ? timeSeries.get(catalogName(entry.name)) : undefined;
    // rule: name-plain-buckets
    if (entry.type === 'timeseries') entries.push(usesRawData(client) ? asBuckets(entry) : entry);
    else if (whole !== undefined) entries.push({ ...entry, options: whole.options });
    else if (isBuckets(entry.name) && entry.options.has('timeseries')) halves.push(entry);
    else entries.push(entry);
  }
  return { entries, halves };
}

/** Returns a time series that is one collection in the form of the buckets that older servers list. */
function asBuckets({ database, name, uuid, options }: CatalogEntry): CatalogEntry {
  const created = new Map([...options].filter(([option]) => option !== 'clusteredIndex'));
  return { database, name: bucketsName(name), type: 'collection', options: created, ...(uuid && { uuid }) };
}

/** Returns the indexes of a collection except the one on `_id`; none when the collection is gone. */
export async function listIndexes(client: MongoClient, database: string, name: string): Promise<IndexSpec[]> {
  return (await indexesAndBuildsOf(client, { database, name, uuid: undefined })).finished;
}

/** Whether an index is complete. An unfinished build may still fail, so it doesn't count. */
export function isFinished(spec: Buffer): boolean {
  return elementNamed(spec, 'buildUUID') === undefined;
}

/** Returns all indexes of a collection as the server lists them, including unfinished builds. */
export async function listRawIndexes(client: MongoClient, database: string, name: string): Promise<Buffer[]> {
  try {
    const command = { listIndexes: catalogName(name), includeBuildUUIDs: true, cursor: { batchSize: 1_000 } };
    return await readAll(client, database, command);
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND || isOfView(error)) return [];
    throw error;
  }
}

/** Whether the name now belongs to a view instead of a collection. The server reports that before it checks a UUID. */
export function isOfView(error: unknown): boolean {
  const COMMAND_NOT_SUPPORTED_ON_VIEW = 166;
  return (error as { code?: unknown }).code === COMMAND_NOT_SUPPORTED_ON_VIEW;
}

/**
 * Returns the indexes of exactly this collection. `listIndexes` can't be pinned to a UUID, so the name is confirmed
 * afterwards.
 * @param of  without a UUID when the source can't pin reads
 * @throws MongoServerError CollectionUUIDMismatch when the name belonged to another collection
 */
export async function listIndexesOf(
  client: MongoClient,
  { database, name, uuid }: Omit<WriteTarget, 'uuid'> & { readonly uuid: UUID | undefined },
): Promise<IndexSpec[]> {
  return (await indexesAndBuildsOf(client, { database, name, uuid })).finished;
}

/** Returns the indexes that {@link listIndexesOf} returns, and those of each build that is under way. */
export async function indexesAndBuildsOf(
  client: MongoClient,
  { database, name, uuid }: Omit<WriteTarget, 'uuid'> & { readonly uuid: UUID | undefined },
): Promise<{ readonly finished: IndexSpec[]; readonly builds: readonly (readonly IndexSpec[])[] }> {
  const listed = await listRawIndexes(client, database, name);
  if (uuid !== undefined) await confirmName(client, { database, name, uuid });
  const underWay = listed.filter((spec) => !isFinished(spec)).flatMap(readBuild);
  const builds = [...Map.groupBy(underWay, ({ build }) => build).values()].map(specsOf);
  return { finished: specsOf(listed.filter(isFinished).map((spec) => ({ spec }))), builds };
}

/** Returns nothing for a build that a server lists in another form than 6.0 does: on a source it doesn't count anyway. */
function readBuild(listed: Buffer): { readonly spec: Buffer; readonly build: string }[] {
  const { buildUUID } = decode(listed);
  const spec = elementNamed(listed, 'spec');
  return spec === undefined
    ? []
    : [{ spec: listed.subarray(spec.valueStart, spec.valueEnd), build: String(buildUUID) }];
}

function specsOf(listed: readonly { readonly spec: Buffer }[]): IndexSpec[] {
  return listed.map(({ spec }) => readIndexSpec(spec)).filter((spec) => spec !== undefined);
}

/**
 * Confirms that the name belongs to the collection.
 * @throws MongoServerError CollectionUUIDMismatch when it doesn't
 */
export async function confirmName(client: MongoClient, { database, name, uuid }: WriteTarget): Promise<void> {
  const probe = { find: name, limit: 1, projection: { _id: 1 }, collectionUUID: uuid };
  // rule: probe-invalid-utf8
  await readAll(client, database, { ...probe, readConcern: { level: 'majority' } });
}

/**
 * Returns statistics for planning and progress: the server's counts, which may be wrong after a crash. Zero for a
 * dropped collection.
 */
export async function collectionSize(
  client: MongoClient,
  database: string,
  name: string,
): Promise<{ documents: number; bytes: number; averageBytes: number }> {
  try {
    const { objects, dataSize } = await statisticsOf(client, database, name);
    return { documents: objects, bytes: dataSize, averageBytes: objects === 0 ? 0 : Math.floor(dataSize / objects) };
  } catch (error) {
    const isDropped = (error as { code?: unknown }).code === NAMESPACE_NOT_FOUND;
    if (isDropped || isOfView(error)) return { documents: 0, bytes: 0, averageBytes: 0 };
    throw error;
  }
}

/** Returns the stored size in bytes of a collection's index on `_id`; Infinity when it has none. */
export async function idIndexBytes(
  client: MongoClient,
  { database, name }: { readonly database: string; readonly name: string },
): Promise<number> {
  const { indexSizes }: Document = await client.db(database).command({ collStats: name });
  return Number(indexSizes?._id_ ?? Number.POSITIVE_INFINITY);
}

/** Keeps a copy of the bytes: an entry lives as long as its migration, and a part of a reply keeps the whole reply in memory. */
function readEntry(database: string, reply: Buffer): CatalogEntry {
  const bytes = ownBytes(reply);
  const { name, type, info } = decode(bytes, { fieldsAsRaw: { options: true } });
  const options = elementNamed(bytes, 'options');
  const fields = options === undefined ? new Map() : fieldsOf(bytes.subarray(options.valueStart, options.valueEnd));
  for (const field of NOT_CREATABLE) fields.delete(field);
  return {
    database,
    name,
    type,
    options: fields,
    ...(info?.uuid === undefined ? {} : { uuid: new UUID(info.uuid.buffer) }),
  };
}
