import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, Double, Long, type MongoClient, ObjectId } from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { BSON_TYPE } from '../../../src/engine/bson/elements.ts';
import { document, element, int32 } from '../../../src/engine/bson/raw-document.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { SharedPair } from './shared-pair.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

const pair = new SharedPair('c');

const clients = (): readonly MongoClient[] => [pair.source.client, pair.destination.client];
const { there } = pair;

async function insertOnBoth(documents: readonly Document[], name = 'c'): Promise<void> {
  for (const client of clients())
    await client
      .db('shop')
      .collection(name)
      .insertMany([...documents]);
}

async function insertRaw(client: MongoClient, bytes: readonly Buffer[]): Promise<void> {
  await client.db('shop').command({ insert: 'c', documents: documentSequence('documents', bytes) });
}

/** Returns the difference that was found for each key. */
async function found(options: Parameters<typeof verify>[1] = {}): Promise<Map<string, string>> {
  const { report, differences } = await verify(pair, options);
  assert.equal(report.result, differences.length === 0 ? 'EQUAL' : 'DIFFERENT', report.explanation);
  assert.equal(report.differences.total, differences.length);
  return new Map(
    differences.map(({ _id, class: kind, path }) => [JSON.stringify(_id), path === null ? kind : `${kind} at ${path}`]),
  );
}

test('equal clusters are equal, and the report has counts and digests of both sides', async () => {
  await insertOnBoth(identified(1_000, { text: 'x'.repeat(100) }));
  const { report } = await verify(pair);
  assert.equal(report.result, 'EQUAL');
  const [collection] = report.collections;
  assert.equal(collection?.source.count, 1_000);
  assert.deepEqual(collection?.source, collection?.destination);
  assert.equal(report.totals.documents, 1_000);
  assert.ok(report.source.watched && report.destination.watched);
  assert.ok(report.source.oplogRead && report.destination.oplogRead);
  assert.match(report.explanation, /^Both sides have the same 1,000 documents in 1 collection, byte for byte/);
});

test('every kind of changed document is found, and nothing else', async () => {
  const fields = { text: 'x'.repeat(50), nested: { list: [1, 2, 3] }, a: 1, b: 2 };
  await insertOnBoth(identified(2_000, fields));
  const change = async (_id: number, update: Document) => await there().updateOne({ _id: _id as never }, update);
  await change(0, { $set: { c: 1 } });
  await change(10, { $set: { text: `${'x'.repeat(49)}y` } });
  await there().replaceOne({ _id: 11 as never }, { ...fields, text: undefined, nested: undefined });
  await there().replaceOne({ _id: 12 as never }, { b: 2, a: 1, nested: { list: [1, 2, 3] }, text: fields.text });
  await change(13, { $set: { 'nested.list.1': Long.fromNumber(2) } });
  await change(14, { $set: { a: new Double(1) } });
  await there().deleteOne({ _id: 15 as never });
  await there().insertOne({ _id: 5_000 as never });
  await change(1_999, { $unset: { b: 1 } });
  assert.deepEqual(Object.fromEntries(await found()), {
    '{"$numberInt":"0"}': 'DIFFERENT at c',
    '{"$numberInt":"10"}': 'DIFFERENT at text',
    '{"$numberInt":"11"}': 'DIFFERENT at text',
    '{"$numberInt":"12"}': 'FIELD_ORDER at text',
    '{"$numberInt":"13"}': 'DIFFERENT at nested.list.1',
    '{"$numberInt":"14"}': 'DIFFERENT at a',
    '{"$numberInt":"15"}': 'MISSING',
    '{"$numberInt":"1999"}': 'DIFFERENT at b',
    '{"$numberInt":"5000"}': 'EXTRA',
  });
});

test('values that most comparisons take as equal are found: -0, the payload of a NaN, the type of an _id', async () => {
  const bits = (text: string) => element(BSON_TYPE.double, 'v', Buffer.from(text, 'hex'));
  const id = (_id: number) => element(BSON_TYPE.int32, '_id', int32(_id));
  const [here, other] = [pair.source.client, pair.destination.client];
  await insertRaw(here, [
    document(id(1), bits('0000000000000000')),
    document(id(2), bits('010000000000f87f')),
    document(id(3)),
    document(id(4), bits('0000000000000080')),
  ]);
  await insertRaw(other, [
    document(id(1), bits('0000000000000080')),
    document(id(2), bits('020000000000f87f')),
    document(element(BSON_TYPE.double, '_id', Buffer.from('0000000000000840', 'hex'))),
    document(id(4), bits('0000000000000080')),
  ]);
  assert.deepEqual(Object.fromEntries(await found()), {
    '{"$numberInt":"1"}': 'DIFFERENT at v',
    '{"$numberInt":"2"}': 'DIFFERENT at v',
    '{"$numberDouble":"3.0"}': 'DIFFERENT at _id',
  });
});

test('a byte is found in a document of 16 MiB, and among ids of all types', async () => {
  const ids = [new ObjectId(), 'text', { nested: 1 }, new Double(Number.NaN), new Date(0), true, Long.MAX_VALUE];
  await insertOnBoth(ids.map((_id) => ({ _id, n: 1 })));
  // The driver gives a document another `_id` in place of null.
  for (const client of clients()) await client.db('shop').command({ insert: 'c', documents: [{ _id: null }] });
  const text = 'x'.repeat(16 * 1024 * 1024 - 100);
  for (const _id of ['large 1', 'large 2', 'large 3']) await insertOnBoth([{ _id, text }]);
  await there().updateOne({ _id: 'large 2' as never }, [{ $set: { text: `${text.slice(0, -1)}y` } }]);
  await there().updateOne({ _id: { nested: 1 } as never }, { $set: { n: 2 } });
  await there().deleteOne({ _id: null as never });
  assert.deepEqual(Object.fromEntries(await found()), {
    '"large 2"': 'DIFFERENT at text',
    '{"nested":{"$numberInt":"1"}}': 'DIFFERENT at n',
    null: 'MISSING',
  });
});

test('collections with a collation, and collections whose sides have different ones, are compared key by key', async () => {
  const french = { locale: 'fr', strength: 1 };
  for (const client of clients()) await client.db('shop').createCollection('c', { collation: french });
  await pair.source.client.db('shop').createCollection('mixed', { collation: french });
  await pair.destination.client.db('shop').createCollection('mixed');
  const words = ['cote', 'Zebra', 'apple', 'Banana', 'zoo'].map((_id) => ({ _id }));
  await insertOnBoth(words);
  await insertOnBoth(words, 'mixed');
  await there().deleteOne({ _id: 'cote' as never });
  await there().insertOne({ _id: 'côte' as never });
  await pair.destination.client
    .db('shop')
    .collection('mixed')
    .insertOne({ _id: 'Aaa' as never });
  const { report, differences } = await verify(pair);
  const shown = differences.map(({ namespace, _id, class: kind }) => `${namespace} ${_id} ${kind}`).sort();
  assert.deepEqual(shown, ['shop.c cote MISSING', 'shop.c côte EXTRA', 'shop.mixed Aaa EXTRA']);
  assert.deepEqual(
    report.catalogDifferences.map(({ namespace, path }) => `${namespace} ${path}`),
    ['shop.mixed collation'],
  );
});

test('capped collections are compared in their order, and clustered ones by key', {
  skip: needsSource('6.0', 'older servers have no clustered collections'),
}, async () => {
  for (const client of clients()) {
    await client.db('shop').createCollection('log', { capped: true, size: 1_000_000 });
    await client.db('shop').createCollection('c', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  }
  await insertOnBoth(identified(100));
  await there().deleteOne({ _id: 50 as never });
  const order = [1, 2, 3, 4, 5].map((_id) => ({ _id }));
  await pair.source.client.db('shop').collection<{ _id: number }>('log').insertMany(order);
  const log = pair.destination.client.db('shop').collection<{ _id: number }>('log');
  await log.insertMany([{ _id: 1 }, { _id: 3 }, { _id: 2 }, { _id: 4 }, { _id: 5 }]);
  assert.deepEqual(Object.fromEntries(await found()), {
    '{"$numberInt":"50"}': 'MISSING',
    '{"$numberInt":"2"}': 'CAPPED_ORDER',
  });
});

test('a capped collection that only lacks its oldest documents is in order', async () => {
  for (const client of clients()) {
    await client.db('shop').createCollection('log', { capped: true, size: 1_000_000 });
    await client
      .db('shop')
      .collection<{ _id: number }>('log')
      .insertMany(identified(client === clients()[0] ? 9 : 8));
  }
  assert.deepEqual(Object.fromEntries(await found()), { '{"$numberInt":"8"}': 'MISSING' });
});

test('collections, views, options and indexes that differ are found beside equal documents', async () => {
  await insertOnBoth(identified(10, { a: 1 }));
  await insertOnBoth(identified(1), 'only');
  await pair.destination.client.db('shop').collection('only').drop();
  await pair.destination.client.db('shop').createCollection('extra');
  await pair.source.client.db('shop').collection('c').createIndex({ a: 1 }, { unique: false, sparse: true });
  await there().createIndex({ a: 1 });
  await pair.source.client.db('shop').createCollection('view', { viewOn: 'c', pipeline: [{ $match: { a: 1 } }] });
  await pair.destination.client.db('shop').createCollection('view', { viewOn: 'c', pipeline: [{ $match: { a: 2 } }] });
  const { report } = await verify(pair);
  assert.equal(report.result, 'DIFFERENT');
  assert.equal(report.differences.total, 0);
  assert.deepEqual(
    report.catalogDifferences
      .map(({ namespace, class: kind, path }) => `${namespace}: ${kind} ${path ?? ''}`.trim())
      .sort(),
    [
      'shop.c: INDEX sparse',
      'shop.extra: COLLECTION_EXTRA',
      'shop.only: COLLECTION_MISSING',
      'shop.view: VIEW pipeline',
    ],
  );
});

test('a selection with other names and a document filter compares what is selected', async () => {
  await pair.source.client
    .db('shop')
    .collection<{ _id: number }>('c')
    .insertMany(identified(20, { kept: true }));
  await pair.source.client
    .db('shop')
    .collection<{ _id: number }>('c')
    .updateMany({ _id: { $gte: 10 } }, { $set: { kept: false } });
  await pair.source.client.db('shop').collection<{ _id: number }>('other').insertMany(identified(5));
  await pair.destination.client
    .db('store')
    .collection<{ _id: number }>('c')
    .insertMany(identified(10, { kept: true }));
  const selection = {
    filters: { include: [{ database: 'shop', collections: ['c'] }] },
    documentFilters: [{ database: 'shop', collection: 'c', filter: { kept: true } }],
    namespaceRemap: [{ from: { database: 'shop' }, to: { database: 'store' } }],
  };
  const { report } = await verify(pair, selection);
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.equal(report.collections[0]?.destinationNamespace, 'store.c');
  assert.equal(report.totals.documents, 10);
  await pair.destination.client.db('store').collection<{ _id: number }>('c').insertOne({ _id: 15 });
  assert.deepEqual(Object.fromEntries(await found(selection)), { '{"$numberInt":"15"}': 'EXTRA' });
});

test('time series are compared in their stored form', async () => {
  for (const client of clients()) {
    await client.db('shop').createCollection('series', { timeseries: { timeField: 't', metaField: 'm' } });
  }
  const points = Array.from({ length: 50 }, (_, n) => ({ t: new Date(n * 1000), m: n % 3, v: n }));
  await pair.source.client.db('shop').collection('series').insertMany(points);
  const stored = await pair.source.client.db('shop').collection('system.buckets.series').find().toArray();
  const buckets = pair.destination.client.db('shop').collection('system.buckets.series');
  await buckets.insertMany(stored);
  const { report } = await verify(pair);
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.equal(report.collections[0]?.type, 'timeseries');
  await buckets.deleteOne({ _id: stored[0]?._id });
  const { differences } = await verify(pair);
  assert.deepEqual(
    differences.map(({ class: kind }) => kind),
    ['MISSING'],
  );
});
