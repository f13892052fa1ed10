import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Binary, BSON, type Document, MongoClient } from 'mongodb';
import { changeBatch, withField } from './dialect/bson-edits.ts';
import { DIALECT_NAMES, dialectNamed } from './dialect/dialects.ts';
import { NOT_MODELLED } from './dialect/fact.ts';
import { ERRORS_OF_THE_MOMENT } from './dialect/facts/errors.ts';
import { inDialect } from './dialect/set-in-dialect.ts';
import { type ReplicaSet, startReplicaSet } from './replica-set.ts';

/** A ticket, a page, or a file of a repository. */
const A_SOURCE = /SERVER-\d+|https:\/\/www\.mongodb\.com\/docs\/|mongodb\/[a-z-]+ [\w/]+/;

test('each fact about a newer server has a source, and none claims that a real server confirmed it', () => {
  const facts = DIALECT_NAMES.flatMap((name) => dialectNamed(name).facts);
  for (const { name, source, recordedFrom } of facts) {
    assert.match(source, A_SOURCE, name);
    assert.equal(recordedFrom, null, name);
  }
  for (const { source, recordedFrom } of ERRORS_OF_THE_MOMENT)
    assert.deepEqual([A_SOURCE.test(source), recordedFrom], [true, null]);
  for (const name of DIALECT_NAMES) {
    const names = dialectNamed(name).facts.map((fact) => fact.name);
    assert.deepEqual(names, [...new Set(names)], name);
  }
});

test('an unknown dialect is refused with the list of all', () => {
  assert.throws(() => dialectNamed('8.3'), { message: 'no dialect "8.3"; there are 7.0, 8.0, 8.2, 9.0.0, 9.0.3' });
});

test('a change of a batch leaves the bytes of all other documents', () => {
  const twice = Buffer.from(BSON.serialize({ ab: 1, ac: Buffer.from([0xff]) }));
  twice.write('ab', twice.indexOf('ac'));
  const reply = Buffer.from(BSON.serialize({ cursor: { id: 1, firstBatch: [{ n: 1 }, {}] }, ok: 1 }));
  const changed = changeBatch(reply, (one) => (one.length > 5 ? [withField(one, 'm', 2)] : [twice, one]));
  assert.ok(changed.includes(twice));
  const { firstBatch } = BSON.deserialize(changed).cursor as Document;
  assert.deepEqual([firstBatch.length, firstBatch[0], firstBatch[2]], [3, { n: 1, m: 2 }, {}]);
  assert.equal(
    changeBatch(reply, (one) => [one]),
    reply,
  );
});

describe('a dialect, not a real server', () => {
  let set: ReplicaSet;
  before(async () => {
    set = await startReplicaSet();
    await set.client.db('shop').createCollection('readings', { timeseries: { timeField: 'at' } });
    await set.client
      .db('shop')
      .collection('readings')
      .insertOne({ at: new Date(0), n: 1 });
  });
  after(() => set[Symbol.asyncDispose]());

  test('MongoDB 9.0 lists a time series with a UUID, and shows its buckets only as raw data', async () => {
    await using speaking = await inDialect(set, '9.0.3');
    await using client = new MongoClient(speaking.uri);
    const db = client.db('shop');
    const { cursor } = await db.command({ listCollections: 1 });
    const [listed, ...others] = cursor.firstBatch;
    assert.deepEqual([listed.name, listed.type, others], ['readings', 'timeseries', []]);
    assert.ok(listed.info.uuid instanceof Binary);
    assert.equal((await db.collection('readings').findOne())?.n, 1);
    const raw = await db.command({ find: 'readings', rawData: true, collectionUUID: listed.info.uuid });
    assert.equal(raw.cursor.firstBatch[0].control.version, 1);
    await assert.rejects(db.collection('system.buckets.readings').findOne(), { code: NOT_MODELLED });
    const [bucket] = raw.cursor.firstBatch;
    const one = { ...bucket, _id: new BSON.ObjectId() };
    await db.command({ insert: 'readings', documents: [one], rawData: true });
    await db.command({ delete: 'readings', deletes: [{ q: { _id: one._id }, limit: 1 }], rawData: true });
    assert.equal(await db.collection('readings').countDocuments(), 1);
  });

  test('MongoDB 9.0 hides the events of time series, and shows them as raw data', async () => {
    await using speaking = await inDialect(set, '9.0.3');
    await using client = new MongoClient(speaking.uri);
    const show = { allChangesForCluster: true, showExpandedEvents: true, showSystemEvents: true };
    const admin = client.db('admin');
    const { operationTime } = await admin.command({ ping: 1 });
    const read = async (more: Document) => {
      const pipeline = [
        { $changeStream: { ...show, startAtOperationTime: operationTime } },
        { $match: { 'ns.db': 'other' } },
      ];
      const { cursor } = await admin.command({ aggregate: 1, pipeline, cursor: {}, ...more });
      const next = await admin.command({ getMore: cursor.id, collection: '$cmd.aggregate', maxTimeMS: 100 });
      const events: Document[] = [...cursor.firstBatch, ...next.cursor.nextBatch];
      return events.map(({ operationType, ns }) => `${operationType} ${ns.coll}`);
    };
    const db = set.client.db('other');
    await db.createCollection('heat', { timeseries: { timeField: 'at' } });
    await db.collection('heat').insertOne({ at: new Date(0) });
    await db.collection('items').insertOne({ n: 1 });
    assert.deepEqual(await read({}), ['create items', 'insert items']);
    assert.deepEqual(await read({ rawData: true }), ['create heat', 'insert heat', 'create items', 'insert items']);
  });

  test('MongoDB 8.0 shows inserts to a search for applyOps as its operations, and no other reader of the oplog', async () => {
    await using speaking = await inDialect(set, '8.0');
    await using client = new MongoClient(speaking.uri);
    // A command of its own has no number in a session, as with retryWrites=false.
    await set.client.db('shop').command({ insert: 'items', documents: [{ _id: 1 }, { _id: 2 }] });
    const oplog = client.db('local').collection('oplog.rs');
    const search = { $or: [{ op: 'c', 'o.applyOps': { $exists: true } }] };
    const found = await oplog.find(search, { batchSize: 1 }).sort({ $natural: -1 }).limit(2).toArray();
    assert.deepEqual(
      found.map(({ op, o }) => [op, o.applyOps[0].op, o.applyOps[0].ns, o.applyOps[0].o]),
      [2, 1].map((_id) => ['c', 'i', 'shop.items', { _id }]),
    );
    assert.equal(await oplog.countDocuments({ op: 'i', ns: 'shop.items', ts: { $in: found.map(({ ts }) => ts) } }), 2);
  });
});
