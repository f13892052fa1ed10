import { type Document, type MongoClient, UUID } from 'mongodb';
import { decode } from '../bson/decode.ts';
import { elementNamed } from '../bson/elements.ts';
import { catalogName, isBuckets, isServerCollection, isUserDatabase } from '../mongodb/namespaces.ts';
import { readAll } from '../mongodb/raw-cursor.ts';
import type { WriteTarget } from '../mongodb/raw-write.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { type IndexSpec, readIndexSpec } from './index-spec.ts';

/** A collection or view as a cluster's catalog shows it. */
export interface CatalogEntry {
  readonly database: string;
  readonly name: string;
  /** `collection` or `view`. */
  readonly type: string;
  /** Absent for views. */
  readonly uuid?: UUID;
  /** What `create` would need to make another one like it. */
  readonly options: Fields;
}

const NAMESPACE_NOT_FOUND = 26;

/** What `create` does not take: marks of the server itself. */
const NOT_CREATABLE = ['uuid', 'temp', 'autoIndexId', 'flags'];

/** Names of the databases with users' data. */
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

/** Collections and views of one database, without the server's own. A time series appears as its buckets, with its options. */
export async function listCollections(client: MongoClient, database: string): Promise<CatalogEntry[]> {
  const listed = await readAll(client, database, { listCollections: 1, cursor: { batchSize: 100_000 } });
  const entries = listed.map((bytes) => readEntry(database, bytes)).filter(({ name }) => !isServerCollection(name));
  const timeSeries = new Map(entries.filter(({ type }) => type === 'timeseries').map((entry) => [entry.name, entry]));
  // A time series is two entries: a view-like one with the options, and the collection of its buckets with the data. One that is being made or
  // dropped may be seen by half, and the other half has its own event in the stream.
  return entries
    .filter(({ type }) => type !== 'timeseries')
    .flatMap((entry) => {
      if (!isBuckets(entry.name)) return [entry];
      const whole = timeSeries.get(catalogName(entry.name));
      return whole === undefined ? [] : [{ ...entry, options: whole.options }];
    });
}

/** Indexes of a collection but the one on `_id`; none when the collection is gone. */
export async function listIndexes(client: MongoClient, database: string, name: string): Promise<IndexSpec[]> {
  const finished = (await listRawIndexes(client, database, name)).filter(isFinished);
  return finished.map(readIndexSpec).filter((spec) => spec !== undefined);
}

/** One that is still being built is no index yet: the build may fail. */
export function isFinished(spec: Buffer): boolean {
  return elementNamed(spec, 'buildUUID') === undefined;
}

/** All indexes of a collection as the server lists them, with those that are still being built. */
export async function listRawIndexes(client: MongoClient, database: string, name: string): Promise<Buffer[]> {
  try {
    const command = { listIndexes: catalogName(name), includeBuildUUIDs: true, cursor: { batchSize: 1_000 } };
    return await readAll(client, database, command);
  } catch (error) {
    if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND || isOfView(error)) return [];
    throw error;
  }
}

/** Whether a view has the name, which had been a collection's. The server says so before it looks at a UUID. */
export function isOfView(error: unknown): boolean {
  const COMMAND_NOT_SUPPORTED_ON_VIEW = 166;
  return (error as { code?: unknown }).code === COMMAND_NOT_SUPPORTED_ON_VIEW;
}

/**
 * Indexes of exactly this collection. `listIndexes` can't be pinned to a UUID, so it is made sure afterwards that the name was still its.
 * @param of  without a UUID where reads can't be pinned to one at all
 * @throws MongoServerError CollectionUUIDMismatch when it was not
 */
export async function listIndexesOf(
  client: MongoClient,
  { database, name, uuid }: Omit<WriteTarget, 'uuid'> & { readonly uuid: UUID | undefined },
): Promise<IndexSpec[]> {
  const specs = await listIndexes(client, database, name);
  if (uuid !== undefined) await confirmName(client, { database, name, uuid });
  return specs;
}

/** Makes sure that the name is the collection's. @throws MongoServerError CollectionUUIDMismatch when it is not */
export async function confirmName(client: MongoClient, { database, name, uuid }: WriteTarget): Promise<void> {
  const probe = { find: name, limit: 1, projection: { _id: 1 }, collectionUUID: uuid };
  await readAll(client, database, { ...probe, readConcern: { level: 'majority' } });
}

/** Statistics for planning and progress: the source's own counts, which may be off after a crash of its server. None of what is gone. */
export async function collectionSize(
  client: MongoClient,
  database: string,
  name: string,
): Promise<{ documents: number; bytes: number; averageBytes: number }> {
  try {
    const stats: Document = await client.db(database).command({ collStats: name });
    return { documents: Number(stats.count), bytes: Number(stats.size), averageBytes: Number(stats.avgObjSize ?? 0) };
  } catch (error) {
    if (isOfView(error)) return { documents: 0, bytes: 0, averageBytes: 0 };
    throw error;
  }
}

function readEntry(database: string, bytes: Buffer): CatalogEntry {
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
