import { createHash } from 'node:crypto';
import {
  BSON,
  type Collection,
  type CollectionInfo,
  type Db,
  type Document,
  type FindOptions,
  type ListCollectionsCursor,
  type MongoClient,
} from 'mongodb';
import { eventually } from './eventually.ts';
import { exactTypes, idBytes, show } from './raw-document.ts';

/** The server's own databases, and the one that Linkspan reserves for its checkpoints. All others are data. */
const NOT_DATA = new Set(['admin', 'config', 'local', 'linkspan_internal']);
const BATCH_DOCUMENTS = 5_000;
const RANGE_DOCUMENTS = 1_000_000;
const SHOWN_PER_COLLECTION = 10;

export interface CompareOptions {
  /** Documents to ignore on both sides: by namespace, their `_id`s as returned by `idBytes`. */
  readonly except?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Expected names on the destination for renamed databases, and for renamed collections by `database.collection`. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Selects the source's documents that the destination must have; all by default. */
  readonly selects?: (namespace: string, document: Document) => boolean;
  /** The digests of so many documents are in memory at a time; 1,000,000 by default. A map holds at most 16.7 million. */
  readonly rangeDocuments?: number;
}

export interface Comparison {
  /** One sentence for each difference. */
  readonly differences: readonly string[];
  readonly databases: number;
  /** Number of collections and views. */
  readonly collections: number;
  /** Number of compared documents on the source. */
  readonly documents: number;
  /** Size of the compared documents in bytes. */
  readonly bytes: number;
}

/**
 * Compares all data of two clusters byte by byte: databases, collections, their types and options, indexes, views, and documents per `_id`.
 * It is independent of Linkspan: it imports none of its code and lists everything itself. No one may write to either side meanwhile.
 */
export async function compareClusters(
  source: MongoClient,
  destination: MongoClient,
  { except = new Map(), renamed = new Map(), selects, rangeDocuments = RANGE_DOCUMENTS }: CompareOptions = {},
): Promise<Comparison> {
  const differences: string[] = [];
  let collections = 0;
  let documents = 0;
  let bytes = 0;
  const [onSource, onDestination] = await Promise.all([listDatabases(source), listDatabases(destination)]);
  const versions = await Promise.all(
    [source, destination].map((client) => client.db('admin').command({ buildInfo: 1 })),
  );
  const sameVersion = versions[0]?.version === versions[1]?.version;
  const databasesOf = new Map([...onSource].map((name) => [renamed.get(name) ?? name, name]));
  for (const [target, database] of matched('', 'database', databasesOf, onDestination, differences)) {
    const sides = [source.db(database), destination.db(target)] as const;
    const [left, right] = await Promise.all(sides.map((side) => listCollections(side, sameVersion)));
    if (!left || !right) throw new Error('a listing is missing');
    const namesOf = new Map([...left.keys()].map((name) => [renamed.get(`${database}.${name}`) ?? name, name]));
    for (const [at, name] of matched(`${target}.`, 'collection', namesOf, new Set(right.keys()), differences)) {
      const namespace = `${database}.${name}`;
      collections++;
      differ(`${namespace}: type and options`, left.get(name), right.get(at), differences);
      if (left.get(name)?.type !== 'collection' || right.get(at)?.type !== 'collection') continue;
      const [of, copy] = [sides[0].collection(name), sides[1].collection(at)];
      await compareIndexes(namespace, of, copy, sameVersion, differences);
      const leftOut = (document: Uint8Array) => selects?.(namespace, BSON.deserialize(document)) === false;
      const ids = except.get(namespace) ?? new Set();
      const found: string[] = [];
      for (const range of await rangesOf(of, rangeDocuments)) {
        const compared = await compareDocuments(of, copy, range, { ids, leftOut }, found);
        documents += compared.documents;
        bytes += compared.bytes;
      }
      differences.push(...found.slice(0, SHOWN_PER_COLLECTION).map((each) => `${namespace}: ${each}`));
      const more = found.length - SHOWN_PER_COLLECTION;
      if (more > 0) differences.push(`${namespace}: ${more} more documents differ`);
    }
  }
  const databases = onSource.size;
  return { differences, databases, collections, documents, bytes };
}

async function listDatabases(client: MongoClient): Promise<Set<string>> {
  const { databases } = await client.db('admin').command({ listDatabases: 1, nameOnly: true });
  return new Set(databases.map(({ name }: { name: string }) => name).filter((name: string) => !NOT_DATA.has(name)));
}

/**
 * Returns the definitions of collections by name: everything that the server lists except the UUID, which differs between clusters.
 * @param sameVersion  whether to include fields that servers derive themselves: each version has its own validator of buckets
 */
async function listCollections(database: Db, sameVersion: boolean): Promise<Map<string, Document>> {
  const listed = new Map<string, Document>();
  const every: ListCollectionsCursor<CollectionInfo> = database.listCollections({}, exactTypes);
  for await (const { name, type, options, info } of every) {
    // The definitions of views are compared as entries of the catalog.
    if (name === 'system.views') continue;
    const { validator, ...others }: Document = options ?? {};
    const derived = name.startsWith('system.buckets.') && !sameVersion;
    listed.set(name, { type, options: derived ? others : options, readOnly: info?.readOnly });
  }
  return listed;
}

async function compareIndexes(
  namespace: string,
  of: Collection,
  at: Collection,
  sameVersion: boolean,
  differences: string[],
): Promise<void> {
  // Repeated, because an election may end the command. The driver, which repeats reads, knows no error code in exact types.
  const listed = (side: Collection) =>
    eventually(() => listIndexes(side, sameVersion), { what: `the indexes of ${side.namespace}` });
  const [left, right] = await Promise.all([of, at].map(listed));
  if (!left || !right) throw new Error('a listing is missing');
  const names = new Map([...left.keys()].map((name) => [name, name]));
  for (const [name] of matched(`${namespace} `, 'index', names, new Set(right.keys()), differences)) {
    differ(`${namespace}: index ${name}`, left.get(name), right.get(name), differences);
  }
}

/** @param sameVersion  false ignores a clustered collection's expiry in its index: some versions repeat this option there */
async function listIndexes(collection: Collection, sameVersion: boolean): Promise<Map<string, Document>> {
  const listed = new Map<string, Document>();
  for await (const specification of collection.listIndexes({ ...exactTypes, batchSize: BATCH_DOCUMENTS })) {
    // The order of an index's options has no meaning. The order inside each of them (`key`, `partialFilterExpression`) has.
    const derived = specification.clustered && !sameVersion ? 'expireAfterSeconds' : undefined;
    const options = Object.entries(specification)
      .filter(([option]) => option !== derived)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    listed.set(String(specification.name), Object.fromEntries(options));
  }
  return listed;
}

/** A part of a collection by its index on `_id`; the whole collection in its natural order when empty. */
type Range = Pick<FindOptions, 'min' | 'max' | 'hint'>;

/** Returns ranges that together have all documents of both sides, each with `most` documents of the source. */
async function rangesOf(collection: Collection, most: number): Promise<Range[]> {
  if ((await collection.estimatedDocumentCount()) <= most) return [{}];
  const bounds: Document[] = [];
  let seen = 0;
  const sorted = collection.find({}, { ...exactTypes, projection: { _id: 1 }, sort: { _id: 1 }, batchSize: 10_000 });
  for await (const { _id } of sorted) if (++seen % most === 0) bounds.push({ _id });
  return [undefined, ...bounds].map((min, n) => ({
    hint: { _id: 1 },
    ...(min && { min }),
    ...(bounds[n] && { max: bounds[n] }),
  }));
}

async function compareDocuments(
  of: Collection,
  at: Collection,
  range: Range,
  except: { readonly ids: ReadonlySet<string>; readonly leftOut: (document: Uint8Array) => boolean },
  found: string[],
): Promise<{ documents: number; bytes: number }> {
  // A digest for each document limits memory to about 200 bytes per document of any size.
  const digests = new Map<string, string>();
  let bytes = 0;
  for await (const document of readRaw(of, range)) {
    const id = idBytes(document);
    if (except.ids.has(id) || except.leftOut(document)) continue;
    digests.set(id, digest(document));
    bytes += document.length;
  }
  const documents = digests.size;
  for await (const document of readRaw(at, range)) {
    const id = idBytes(document);
    if (except.ids.has(id)) continue;
    const expected = digests.get(id);
    digests.delete(id);
    if (expected === digest(document)) continue;
    const seen = BSON.deserialize(document, exactTypes);
    if (expected === undefined) {
      found.push(`only the destination has ${show(seen)}`);
    } else {
      const original = await of.findOne({ _id: seen._id }, exactTypes);
      found.push(`the source has ${original ? show(original) : 'it no longer'}, the destination has ${show(seen)}`);
    }
  }
  for (const id of digests.keys()) found.push(`only the source has the document whose _id has the bytes ${id}`);
  return { documents, bytes };
}

async function* readRaw(collection: Collection, range: Range): AsyncGenerator<Uint8Array> {
  for await (const document of collection.find({}, { ...range, raw: true, batchSize: BATCH_DOCUMENTS })) {
    // With `raw` the driver returns bytes, although its types say otherwise.
    if (!(document instanceof Uint8Array)) throw new Error('the driver decoded a document that was asked for raw');
    yield document;
  }
}

function digest(document: Uint8Array): string {
  return createHash('sha1').update(document).digest('base64');
}

/**
 * Returns the names that both sides have, and records the others as differences.
 * @param left  the source's entries, by their expected names on the destination
 */
function matched(
  prefix: string,
  kind: string,
  left: ReadonlyMap<string, string>,
  right: ReadonlySet<string>,
  differences: string[],
): [name: string, onSource: string][] {
  for (const name of left.keys())
    if (!right.has(name)) differences.push(`only the source has the ${kind} ${prefix}${name}`);
  for (const name of right)
    if (!left.has(name)) differences.push(`only the destination has the ${kind} ${prefix}${name}`);
  return [...left].filter(([name]) => right.has(name)).sort();
}

function differ(what: string, left: Document = {}, right: Document = {}, differences: string[]): void {
  if (Buffer.compare(BSON.serialize(left), BSON.serialize(right)) === 0) return;
  differences.push(`${what} differ: the source has ${show(left)}, the destination has ${show(right)}`);
}
