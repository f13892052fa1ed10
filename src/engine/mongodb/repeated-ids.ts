import { BSON, type Document, type MongoClient, type Timestamp, type UUID } from 'mongodb';
import { UserError } from '../../platform/index.ts';
import { decode } from '../bson/decode.ts';
import { type DocumentKey, describeKey, keyOf } from '../bson/document-key.ts';
import { BSON_TYPE } from '../bson/elements.ts';
import { array } from '../bson/raw-document.ts';
import { RawValue } from '../bson/raw-value.ts';
import { RawCursor } from './raw-cursor.ts';

/** The most characters of a shard key that a message shows. */
const LONGEST_SHOWN = 200;
/** Keys of one query. */
const MOST_KEYS = 1_000;

/** Two shards have documents with one `_id`, so a replica set can't have the whole collection. */
export class RepeatedId extends UserError {
  readonly key: DocumentKey;

  constructor(key: DocumentKey, namespace: string, shardKeys: readonly string[]) {
    super('ID_ON_TWO_SHARDS', [namespace, describeKey(key), shardKeys.join(' and ')]);
    this.key = key;
  }
}

/**
 * Returns the first key that documents of one read have twice; undefined when there is none.
 * @param previous  the key that the read came to before these documents
 */
export function findRepeatedKey(documents: Iterable<Buffer>, previous?: DocumentKey): DocumentKey | undefined {
  // rule: repeated-id-across-batches
  const seen = new Set(previous === undefined ? [] : [previous.identity]);
  for (const document of documents) {
    const key = keyOf(document);
    // rule: refuse-repeated-id
    if (seen.has(key.identity)) return key;
    seen.add(key.identity);
  }
  return undefined;
}

/** A collection of a sharded cluster. */
interface Place {
  readonly database: string;
  readonly name: string;
  readonly uuid?: UUID | undefined;
  /** Whether a collation can make different keys equal. */
  readonly hasCollation?: boolean;
}

/**
 * When a question is asked: exactly at a time, or at that time or later. Left to itself, a router takes the latest time that it has heard
 * of, which can be before a write that another router has acknowledged.
 */
export type SnapshotTime = { readonly at: Timestamp } | { readonly from: Timestamp | undefined };

/** @throws RepeatedId when two shards have documents with the key */
export async function refuseRepeatedKey(
  client: MongoClient,
  { database, name, uuid, hasCollation = false }: Place,
  key: DocumentKey,
  time: SnapshotTime,
): Promise<void> {
  const [cursor, { documents }] = await RawCursor.open(client, database, {
    find: name,
    filter: { _id: key.value },
    ...(uuid === undefined ? {} : { collectionUUID: uuid }),
    readConcern: snapshot(time),
    singleBatch: true,
  });
  await cursor[Symbol.asyncDispose]();
  // The destination has the same collation, and so no room for a second document that this one finds. Without a collation, a query
  // for null finds other keys, too.
  const isFound = (document: Buffer) => hasCollation || keyOf(document).identity === key.identity;
  const found = [...documents].filter(isFound);
  // rule: quarantine-repeated-id
  if (found.length < 2) return;
  const namespace = `${database}.${name}`;
  const fields = [...(hasCollation ? ['_id'] : []), ...(await shardKeyOf(client, namespace))];
  const shown = found.map((document) => shownValues(document, fields));
  throw new RepeatedId(key, namespace, shown);
}

/**
 * Returns one of the keys that two shards have, or that equals a key of another shard under the collection's collation.
 * Only the server knows which keys a collation makes equal.
 */
export async function findCollatedKey(
  client: MongoClient,
  { database, name, uuid }: Place,
  keys: readonly DocumentKey[],
  time: SnapshotTime,
): Promise<DocumentKey | undefined> {
  for (let from = 0; from < keys.length; from += MOST_KEYS) {
    const values = keys.slice(from, from + MOST_KEYS).map(({ value }) => value);
    const [cursor, { documents }] = await RawCursor.open(client, database, {
      aggregate: name,
      pipeline: [
        { $match: { _id: { $in: new RawValue(BSON_TYPE.array, array(values)) } } },
        { $group: { _id: '$_id', count: { $sum: 1 } } },
        { $match: { count: { $gt: 1 } } },
        { $limit: 1 },
      ],
      cursor: {},
      ...(uuid === undefined ? {} : { collectionUUID: uuid }),
      readConcern: snapshot(time),
    });
    await cursor[Symbol.asyncDispose]();
    const found = documents.at(0);
    if (found !== undefined) return keyOf(found);
  }
  return undefined;
}

/** One time for all shards: a document that moves between them has one place then. */
function snapshot(time: SnapshotTime): object {
  if ('at' in time) return { level: 'snapshot', atClusterTime: time.at };
  // rule: one-time-on-all-shards
  return { level: 'snapshot', ...(time.from && { afterClusterTime: time.from }) };
}

async function shardKeyOf(client: MongoClient, namespace: string): Promise<readonly string[]> {
  const command = { find: 'collections', filter: { _id: namespace }, projection: { key: 1 }, limit: 1 };
  const { cursor } = await client.db('config').command(command);
  const entry: Document | undefined = cursor.firstBatch[0];
  return Object.keys(entry?.key ?? {});
}

/** Returns the values of a document's shard key as Extended JSON, for messages only. */
export function shownValues(bytes: Buffer, fields: readonly string[]): string {
  const document = decode(bytes, { validation: { utf8: false } });
  const values = fields.map((field) => [field, valueAt(document, field.split('.'))]);
  const text = BSON.EJSON.stringify(Object.fromEntries(values));
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

function valueAt(document: Document, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Document | null | undefined)?.[name], document);
}
