import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { BSON, Int32, Long, type MongoClient, ObjectId } from 'mongodb';
import { compareClusters } from './compare-clusters.ts';
import { idBytesOf } from './raw-document.ts';
import { type ReplicaSetPair, startPair } from './replica-set.ts';

interface Order {
  _id: number | string | Long | ObjectId | { region: string; n: number };
  [field: string]: unknown;
}

/** Writes the same data to both sides, with an example of everything that the comparer checks. */
async function fill(client: MongoClient): Promise<void> {
  for (const { name } of (await client.db('admin').admin().listDatabases({ nameOnly: true })).databases) {
    if (name === 'shop' || name === 'extra') await client.db(name).dropDatabase();
  }
  const shop = client.db('shop');
  await shop.createCollection('orders', {
    validator: { $jsonSchema: { bsonType: 'object' } },
    validationLevel: 'moderate',
  });
  await shop.collection('orders').createIndex({ customer: 1, at: -1 }, { name: 'by_customer', sparse: true });
  await shop.collection('orders').createIndex({ at: 1 }, { expireAfterSeconds: 1_000_000_000 });
  await shop.createCollection('recent', { viewOn: 'orders', pipeline: [{ $match: { customer: 1 } }] });
  await shop.createCollection('log', { capped: true, size: 65_536 });
  await shop.collection<Order>('orders').insertMany([
    { _id: 1, customer: 1, at: new Date(0), note: 'first', nested: { a: 1, b: 2 }, blob: Buffer.from([1, 2, 3]) },
    { _id: new ObjectId('65a1b2c3d4e5f60718293a4b'), customer: 2, count: new Int32(7) },
    { _id: 'three', customer: 3 },
    { _id: { region: 'eu', n: 4 }, customer: 4, tags: ['x', 'y'] },
  ]);
}

describe('the comparer', () => {
  let pair: ReplicaSetPair;
  const orders = () => pair.destination.client.db('shop').collection<Order>('orders');
  const differences = async () => (await compareClusters(pair.source.client, pair.destination.client)).differences;

  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());
  beforeEach(() => Promise.all([fill(pair.source.client), fill(pair.destination.client)]));

  it('reports no difference between equal clusters, and how much it compared', async () => {
    const { bytes, ...rest } = await compareClusters(pair.source.client, pair.destination.client);
    assert.deepEqual(rest, { differences: [], databases: 1, collections: 3, documents: 4 });
    assert.ok(bytes > 100);
  });

  const planted: [what: string, plant: () => Promise<unknown>, seen: RegExp][] = [
    ['a flipped byte', () => orders().updateOne({ _id: 1 }, { $set: { blob: Buffer.from([1, 2, 2]) } }), /blob.*blob/],
    [
      'a swapped field order',
      () => orders().updateOne({ _id: 1 }, { $set: { nested: { b: 2, a: 1 } } }),
      /"nested":\{"a".*"nested":\{"b"/,
    ],
    [
      'an int that became a long',
      () => orders().updateOne({ _id: 'three' }, { $set: { customer: Long.fromInt(3) } }),
      /numberLong/,
    ],
    [
      'an _id whose int became a long',
      async () => {
        await orders().deleteOne({ _id: 1 });
        await orders().insertOne({ _id: Long.fromInt(1) });
      },
      /only the destination has/,
    ],
    ['a lost document', () => orders().deleteOne({ _id: { region: 'eu', n: 4 } }), /only the source has the document/],
    ['an extra document', () => orders().insertOne({ _id: 5 }), /only the destination has .*"_id"/],
    [
      "an index's changed option",
      async () => {
        await orders().dropIndex('by_customer');
        await orders().createIndex({ customer: 1, at: -1 }, { name: 'by_customer' });
      },
      /index by_customer differ/,
    ],
    [
      "an index's changed key order",
      async () => {
        await orders().dropIndex('by_customer');
        await orders().createIndex({ at: -1, customer: 1 }, { name: 'by_customer', sparse: true });
      },
      /index by_customer differ/,
    ],
    ['a missing index', () => orders().dropIndex('at_1'), /only the source has the index shop.orders at_1/],
    ['an extra index', () => orders().createIndex({ more: 1 }), /only the destination has the index/],
    [
      "a view's changed definition",
      () => pair.destination.client.db('shop').command({ collMod: 'recent', viewOn: 'orders', pipeline: [] }),
      /shop.recent: type and options differ/,
    ],
    [
      "a collection's changed option",
      () => pair.destination.client.db('shop').command({ collMod: 'orders', validationLevel: 'strict' }),
      /shop.orders: type and options differ/,
    ],
    [
      'a missing collection',
      () => pair.destination.client.db('shop').dropCollection('log'),
      /only the source has the collection shop.log/,
    ],
    [
      'an extra database',
      () => pair.destination.client.db('extra').collection('c').insertOne({}),
      /only the destination has the database extra/,
    ],
  ];

  for (const [what, plant, seen] of planted) {
    it(`finds ${what}`, async () => {
      await plant();
      const found = await differences();
      assert.ok(
        found.some((each) => seen.test(each)),
        `saw only: ${found.join('\n')}`,
      );
      const inRanges = await compareClusters(pair.source.client, pair.destination.client, { rangeDocuments: 2 });
      assert.deepEqual(inRanges.differences.toSorted(), found.toSorted());
    });
  }

  it('ignores the given documents, and no others', async () => {
    await orders().insertMany([{ _id: 5 }, { _id: 6 }]);
    const except = new Map([['shop.orders', new Set([idBytesOf(5)])]]);
    const { differences: found } = await compareClusters(pair.source.client, pair.destination.client, { except });
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /"_id":\{"\$numberInt":"6"\}/);
  });

  it('ignores checkpoints', async () => {
    await pair.destination.client.db('linkspan_internal').collection('checkpoints').insertOne({});
    assert.deepEqual(await differences(), []);
  });

  it('compares bytes, not decoded values', () => {
    assert.notEqual(idBytesOf(1), idBytesOf(Long.fromInt(1)));
    assert.equal(
      idBytesOf('a'),
      `02${Buffer.from(BSON.serialize({ _id: 'a' }))
        .subarray(9, 15)
        .toString('hex')}`,
    );
  });
});
