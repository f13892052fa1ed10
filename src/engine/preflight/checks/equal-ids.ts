import type { Document, MongoClient, Timestamp } from 'mongodb';
import { messageOf } from '../../../platform/index.ts';
import { type DocumentKey, describeKey, keyOf } from '../../bson/document-key.ts';
import { BSON_TYPE } from '../../bson/elements.ts';
import { array } from '../../bson/raw-document.ts';
import { RawValue } from '../../bson/raw-value.ts';
import type { CatalogEntry } from '../../catalog/read-catalog.ts';
import { statisticsOf } from '../../catalog/shard-statistics.ts';
import { classify } from '../../mongodb/failure-policy.ts';
import { RawCursor, readAll } from '../../mongodb/raw-cursor.ts';
import { shownValues } from '../../mongodb/repeated-ids.ts';
import { type Found, found, NO_TIME } from '../finding.ts';
import type { Look } from '../look.ts';
import { sweep } from '../within.ts';

/** Sampled `_id`s of each collection. Each of them is looked up on every shard. */
const LARGEST_SAMPLE = 1_000;
/**
 * The most that a sample reads of a collection. A shard with fewer than 20 documents for each sampled one reads them all
 * (docs/reference/pitfalls.md#pitfall-30), so it may read 20 times as much.
 */
const SAMPLED_BYTES = 10_000_000;
const MAX_TIME_MS = 3_000;
/** `_id`s that a finding names. */
const SHOWN = 3;

/**
 * Finds collections of a sharded source with documents of the same `_id` on two shards, among a sample of their `_id`s.
 * A shard makes sure that an `_id` is unique on that shard only. A collection whose shard key is `_id` alone, hashed or
 * not, can't have any: all documents of one `_id` belong to one chunk. In others a clean sample proves nothing.
 */
export async function checkEqualIds({ source, from, entries, signal }: Look): Promise<Found[]> {
  if (!from.sharded) return [];
  const shardKeys = await otherShardKeys(source);
  const candidates = (await entries()).flatMap((entry) => {
    const fields = shardKeys.get(`${entry.database}.${entry.name}`);
    return fields === undefined ? [] : [{ entry, fields }];
  });
  const { results, left } = await sweep(candidates, signal, ({ entry, fields }) => sampleOf(source, entry, fields));
  return [
    ...results.flat(),
    ...(left === 0 ? [] : [found('CHECK_INCOMPLETE', [`equal _ids of ${left} sharded collections`, NO_TIME])]),
  ];
}

/** Returns the fields of each shard key that is not `_id` alone, by namespace. */
async function otherShardKeys(source: MongoClient): Promise<ReadonlyMap<string, readonly string[]>> {
  const sharded = source.db('config').collection<{ _id: string; key: Document }>('collections');
  const entries = await sharded.find({}, { projection: { key: 1 }, readConcern: { level: 'majority' } }).toArray();
  const keys = entries.map(({ _id, key }) => [_id, Object.keys(key)] as const);
  return new Map(keys.filter(([, fields]) => fields.join() !== '_id'));
}

async function sampleOf(source: MongoClient, entry: CatalogEntry, fields: readonly string[]): Promise<Found[]> {
  const namespace = `${entry.database}.${entry.name}`;
  try {
    const { keys, time } = await sampleKeys(source, entry);
    if (time === undefined) return [];
    const repeated = (await lookUp(source, entry, { keys, time, fields })).filter((documents) => documents.length > 1);
    if (repeated.length === 0) return [];
    const shown = repeated.slice(0, SHOWN).map((documents) => describe(documents, fields));
    const counts = [String(repeated.length), String(keys.length)];
    return [found('EQUAL_IDS', [namespace, ...counts, shown.join(', ')], namespace)];
  } catch (error) {
    if (classify(error) === 'fatal') throw error;
    return [found('CHECK_INCOMPLETE', [`equal _ids of ${namespace}`, messageOf(error)], namespace)];
  }
}

/** Returns sampled keys, and a time at which the source had them. */
async function sampleKeys(
  source: MongoClient,
  { database, name }: CatalogEntry,
): Promise<{ readonly keys: readonly DocumentKey[]; readonly time: Timestamp | undefined }> {
  const { dataSize, objects } = await statisticsOf(source, database, name);
  const averageBytes = Math.max(1, dataSize / Math.max(1, objects));
  const size = Math.ceil(Math.min(LARGEST_SAMPLE, SAMPLED_BYTES / averageBytes));
  const [cursor, { documents, operationTime: time }] = await RawCursor.open(source, database, {
    aggregate: name,
    pipeline: [{ $sample: { size } }, { $project: { _id: 1 } }],
    cursor: { batchSize: size },
    maxTimeMS: MAX_TIME_MS,
    readConcern: { level: 'majority' },
  });
  await cursor[Symbol.asyncDispose]();
  // A random cursor may return a key twice.
  const distinct = new Map([...documents].map(keyOf).map((key) => [key.identity, key]));
  return { keys: [...distinct.values()], time };
}

/** Returns the documents of each key that has any, with `_id` and shard key. */
async function lookUp(
  source: MongoClient,
  { database, name }: CatalogEntry,
  {
    keys,
    time,
    fields,
  }: { readonly keys: readonly DocumentKey[]; readonly time: Timestamp; readonly fields: readonly string[] },
): Promise<readonly (readonly Buffer[])[]> {
  const values = new RawValue(BSON_TYPE.array, array(keys.map(({ value }) => value)));
  const documents = await readAll(source, database, {
    find: name,
    filter: { _id: { $in: values } },
    projection: { _id: 1, ...Object.fromEntries(fields.map((field) => [field, 1])) },
    maxTimeMS: MAX_TIME_MS,
    // One time for all shards: a document that moves between them has one place then.
    readConcern: { level: 'snapshot', atClusterTime: time },
  });
  return [...Map.groupBy(documents, (document) => keyOf(document).identity).values()];
}

function describe(documents: readonly Buffer[], fields: readonly string[]): string {
  const [first] = documents;
  const shardKeys = documents.map((document) => shownValues(document, fields)).join(' and ');
  return first === undefined ? shardKeys : `${describeKey(keyOf(first))} (shard keys ${shardKeys})`;
}
