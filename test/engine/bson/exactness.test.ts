import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Binary,
  BSON,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  MongoClient,
  ObjectId,
  Timestamp,
} from 'mongodb';
import { documentSequence } from '../../../src/engine/bson/document-sequence.ts';
import { document, element } from '../../../src/engine/bson/raw-document.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const EMBEDDED = Buffer.from(BSON.serialize({ b: 1, a: new Long(2), 10: 'ten', 2: 'two' }));

/** Bodies that a round trip through JavaScript values, or a plain write, would change. */
const BODIES: Readonly<Record<string, Buffer[]>> = {
  'an empty timestamp': [element(0x11, 't', Buffer.alloc(8))],
  'a $-prefixed name': [element(0x10, '$set', int32(1)), element(0x02, 'x', string('y'))],
  'a dotted name': [element(0x10, 'a.b', int32(1)), element(0x03, 'a', EMBEDDED)],
  'integer-like keys out of order': [element(0x10, '10', int32(1)), element(0x10, '2', int32(2))],
  'a duplicate key': [element(0x10, 'k', int32(1)), element(0x02, 'k', string('again'))],
  'invalid UTF-8': [element(0x02, 's', Buffer.from([3, 0, 0, 0, 0xff, 0xfe, 0]))],
  'deprecated types': [
    element(0x06, 'u', Buffer.alloc(0)),
    element(0x0e, 's', string('symbol')),
    element(0x0c, 'p', Buffer.concat([string('db.c'), Buffer.alloc(12, 7)])),
  ],
  'numbers of every type': fields({
    d: new Double(1),
    z: new Double(-0),
    n: new Double(Number.NaN),
    i: new Int32(1),
    l: new Long(1),
    x: Decimal128.fromString('1.00'),
  }),
  'other types': fields({
    b: new Binary(Buffer.from('abc'), 128),
    c: new Code('f()', { y: 1 }),
    r: /a+/i,
    min: new MinKey(),
    max: new MaxKey(),
    t: new Timestamp(1n),
    o: new ObjectId(),
    e: {},
    a: [[], [1]],
  }),
};

/** Ids of all types that may be one, with equal numbers of different types left out. */
const IDS: Readonly<Record<string, [type: number, value: Buffer]>> = {
  MinKey: [0xff, Buffer.alloc(0)],
  NaN: [0x01, double(Number.NaN)],
  'a fraction': [0x01, double(0.5)],
  'an int64': [0x12, Buffer.from([1, 0, 0, 0, 1, 0, 0, 0])],
  'an empty string': [0x02, string('')],
  'a number as a string': [0x02, string('1')],
  'an embedded document': [0x03, EMBEDDED],
  binary: [0x05, Buffer.from([2, 0, 0, 0, 0, 1, 2])],
  'a boolean': [0x08, Buffer.from([1])],
  null: [0x0a, Buffer.alloc(0)],
  'a date': [0x09, Buffer.alloc(8)],
  'an empty timestamp': [0x11, Buffer.alloc(8)],
  MaxKey: [0x7f, Buffer.alloc(0)],
};

const documents = [
  ...Object.values(BODIES).map((body, n) => document(element(0x10, '_id', int32(n)), ...body)),
  ...Object.values(IDS).map(([type, value]) => document(element(type, '_id', value), element(0x02, 'x', string('y')))),
  document(element(0x02, '_id', string('large')), element(0x02, 'x', string('z'.repeat(15 * 1024 * 1024)))),
];

// id: documents-keep-bytes
test('every document keeps its bytes: copied, from its event, and fetched again after an update', async () => {
  await using pair = await startPair();
  const { source, destination } = pair;
  await insertExactly(source.client, 'copied', documents);
  await insertExactly(source.client, 'updated', documents);
  await source.client.db('exact').createCollection('inserted');
  await using running = RunningMigration.start(pair);
  await running.untilReady();

  await insertExactly(source.client, 'inserted', documents);
  // Touches all documents, those with the oddest names included, so that each is fetched in its current state.
  await source.client
    .db('exact')
    .collection('updated')
    .updateMany({}, [{ $set: { touched: 1 } }]);
  await source.client
    .db('exact')
    .collection('updated')
    .updateMany({ x: 'y' }, { $set: { touched: 2 } });
  await running.commit();

  const { documents: compared } = await expectIdentical({ source, destination });
  assert.equal(compared, documents.length * 3);
});

// id: id-changes-type
test('an _id that changes its type again and again ends as on the source', async () => {
  await using pair = await startPair();
  const items = pair.source.client
    .db('exact')
    .collection<{ _id: number | Long | Double | Int32 | Decimal128; n: number }>('items');
  await items.insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: new Int32(n), n: 0 })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const types = [
    (n: number) => new Long(n),
    (n: number) => new Double(n),
    (n: number) => Decimal128.fromString(String(n)),
    (n: number) => new Int32(n),
  ];
  for (let round = 0; round < 6; round += 1) {
    for (let n = 0; n < 50; n += 1) {
      await items.deleteOne({ _id: n });
      if ((n + round) % 5 > 0) await items.insertOne({ _id: types[(n + round) % 4]?.(n) ?? n, n: round });
    }
  }
  await running.commit();
  await expectIdentical(pair);
});

// id: swapped-unique-values
test('unique values that documents swap are migrated', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('exact').collection<{ _id: number; seat?: number }>('items');
  await items.createIndex({ seat: 1 }, { unique: true, sparse: true });
  await items.insertMany(Array.from({ length: 40 }, (_, n) => ({ _id: n, seat: n })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  for (let n = 0; n < 39; n += 1) {
    await items.updateOne({ _id: n }, { $unset: { seat: 1 } });
    const [other] = await items.find({ _id: n + 1 }).toArray();
    await items.updateOne({ _id: n + 1 }, { $unset: { seat: 1 } });
    await items.updateOne({ _id: n }, { $set: { seat: other?.seat ?? -1 } });
    await items.updateOne({ _id: n + 1 }, { $set: { seat: 1_000 + n } });
  }
  await running.commit();
  await expectIdentical(pair);
});

/** Plain inserts, except where the server would rewrite an empty timestamp: those by a pipeline. */
async function insertExactly(client: MongoClient, collection: string, raw: readonly Buffer[]): Promise<void> {
  for (const bytes of raw) {
    const reply = await client
      .db('exact')
      .command({ insert: collection, documents: documentSequence('documents', [bytes]) });
    assert.deepEqual(reply.writeErrors ?? [], []);
  }
  const empty = new Timestamp(0n);
  await client.db('exact').command({
    update: collection,
    updates: [{ q: { _id: 0 }, u: [{ $replaceWith: { $literal: { _id: 0, t: empty } } }] }],
  });
}

function fields(value: object): Buffer[] {
  const bytes = Buffer.from(BSON.serialize(value));
  return [bytes.subarray(4, bytes.length - 1)];
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function string(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  return Buffer.concat([int32(bytes.length), bytes]);
}

test('an empty timestamp stays empty on every member of the destination, also in a document that was there before', async () => {
  await using pair = await startPair({ destination: { members: 3 } });
  const from = pair.source.client.db('shop').collection<{ _id: number }>('items');
  // A server tells its secondaries of a change, or of the whole document where that is shorter.
  const text = 'x'.repeat(500);
  await from.insertMany([{ _id: 1, many: [1, 2, 3] }, { _id: 2 }, { _id: 3, text }].map((each) => ({ ...each, n: 1 })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const none = { $literal: new Timestamp(0n) };
  for (const _id of [1, 2, 4]) {
    await from.updateOne({ _id }, [{ $replaceWith: { _id, n: 2, t: none } }], { upsert: true });
  }
  await from.updateOne({ _id: 3 }, [{ $set: { t: none } }]);
  await running.commit();
  const { hosts } = await pair.destination.client.db('admin').command({ hello: 1 });
  assert.equal(hosts.length, 3);
  for (const host of hosts) {
    const uri = `mongodb://${host}/?directConnection=true&readPreference=secondaryPreferred`;
    await using member = new MongoClient(uri);
    const items = member.db('shop').collection<{ _id: number; t: Timestamp }>('items');
    const all = () => items.find({ t: { $exists: true } }, { sort: { _id: 1 } }).toArray();
    await eventually(async () => (await all()).length === 4, { what: `${host} to have all changes` });
    const empty = (await all()).map(({ _id, t }) => [_id, t.isZero()]);
    assert.deepEqual(
      empty,
      [1, 2, 3, 4].map((_id) => [_id, true]),
      host,
    );
  }
});
