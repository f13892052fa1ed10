import type { Db } from 'mongodb';
import { numbered } from '../../support/seeds.ts';

/** The changes of one kind of collection in a database of its own, while the users move there, back, and there again. */
interface KindThereAndBack {
  readonly name: string;
  /** On the first side, before the migration. */
  readonly before: (db: Db) => Promise<unknown>;
  /** On the second side, after the first cutover. */
  readonly there: (db: Db) => Promise<unknown>;
  /** On the first side, after the return. */
  readonly back: (db: Db) => Promise<unknown>;
}

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 0, 1, 12);

const measurements = (count: number, meta: string) =>
  Array.from({ length: count }, (_, n) => ({ at: new Date(NOON + n * 60_000), sensor: meta, value: n }));
const dated = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ n, at: new Date(Date.now() + n * HOUR_MS + HOUR_MS) }));

/** The kinds of collections, views and indexes that the failback has to keep as they are. */
export const KINDS: readonly KindThereAndBack[] = [
  {
    name: 'time_series',
    before: async (db) => {
      const timeseries = { timeField: 'at', metaField: 'sensor', granularity: 'seconds' } as const;
      await db.createCollection('weather', { timeseries, expireAfterSeconds: 400_000_000 });
      await db.collection('weather').insertMany(measurements(300, 'a'));
      await db.createCollection('dropped', { timeseries: { timeField: 'at' } });
    },
    there: async (db) => {
      await db.collection('weather').insertMany(measurements(300, 'b'));
      await db.collection('weather').deleteMany({ sensor: 'a' });
      await db.collection('weather').updateMany({ sensor: 'b' }, { $set: { sensor: 'c' } });
      await db.command({ collMod: 'weather', timeseries: { granularity: 'hours' }, expireAfterSeconds: 500_000_000 });
      await db.collection('weather').createIndex({ sensor: 1, at: -1 });
      await db.collection('dropped').drop();
      await db.createCollection('new', { timeseries: { timeField: 'at', metaField: 'sensor' } });
      await db.collection('new').insertMany(measurements(50, 'n'));
    },
    back: async (db) => {
      await db.collection('new').insertMany(measurements(50, 'm'));
      await db.collection('weather').deleteMany({ sensor: 'c' });
      await db.command({ collMod: 'weather', expireAfterSeconds: 'off' });
      await db.createCollection('newer', { timeseries: { timeField: 'at' }, expireAfterSeconds: 400_000_000 });
      await db.collection('newer').insertMany(measurements(20, 'x'));
    },
  },
  {
    name: 'clustered',
    before: async (db) => {
      const clusteredIndex = { key: { _id: 1 }, unique: true } as const;
      await db.createCollection('orders', { clusteredIndex, expireAfterSeconds: 400_000_000 });
      await db.collection('orders').insertMany(dated(100).map((one) => ({ _id: one.at as never, n: one.n })));
    },
    there: async (db) => {
      await db.collection('orders').updateMany({ n: { $lt: 50 } }, { $set: { seen: true } });
      await db.collection('orders').deleteMany({ n: { $gte: 90 } });
      await db.command({ collMod: 'orders', expireAfterSeconds: 500_000_000 });
      await db.createCollection('new', { clusteredIndex: { key: { _id: 1 }, unique: true, name: 'by id' } });
      await db.collection('new').insertMany(numbered(30));
      await db.collection('new').createIndex({ n: 1 }, { unique: true });
    },
    back: async (db) => {
      await db.collection('orders').insertMany(dated(5).map(({ at }) => ({ _id: at as never, again: true })));
      await db.command({ collMod: 'orders', expireAfterSeconds: 'off' });
      await db.collection('new').updateOne({ n: 3 }, { $set: { n: -3 } });
    },
  },
  {
    name: 'views',
    before: async (db) => {
      await db.collection('items').insertMany(numbered(50));
      await db.createCollection('large', { viewOn: 'items', pipeline: [{ $match: { n: { $gt: 10 } } }] });
      await db.createCollection('dropped', { viewOn: 'items', pipeline: [] });
    },
    there: async (db) => {
      await db.command({ collMod: 'large', viewOn: 'items', pipeline: [{ $match: { n: { $gt: 40 } } }] });
      await db.collection('dropped').drop();
      const collation = { locale: 'de', strength: 2 } as const;
      await db.createCollection('larger', { viewOn: 'large', pipeline: [{ $project: { n: 1 } }] });
      await db.createCollection('german', { viewOn: 'items', pipeline: [], collation });
      await db.createCollection('to_be_data', { viewOn: 'items', pipeline: [] });
    },
    back: async (db) => {
      await db.collection('german').drop();
      await db.collection('to_be_data').drop();
      await db.collection('to_be_data').insertMany(numbered(5));
      await db.createCollection('dropped', { viewOn: 'missing', pipeline: [] });
    },
  },
  {
    name: 'capped',
    before: async (db) => {
      await db.createCollection('log', { capped: true, size: 100_000, max: 60 });
      await db.collection('log').insertMany(numbered(50));
      await db.createCollection('sized', { capped: true, size: 50_000 });
      await db.collection('sized').insertMany(numbered(20));
    },
    there: async (db) => {
      await db.collection('log').insertMany(numbered(50));
      await db.collection('log').updateMany({ n: { $lt: 10 } }, { $inc: { seen: 1 } });
      await db.command({ collMod: 'sized', cappedSize: 80_000, cappedMax: 90 });
      await db.collection('sized').deleteMany({ n: { $gt: 15 } });
      await db.collection('sized').insertMany(numbered(10));
      await db.createCollection('new', { capped: true, size: 10_000, max: 7 });
      await db.collection('new').insertMany(numbered(20));
      await db.collection('plain').insertMany(numbered(20));
      await db.command({ convertToCapped: 'plain', size: 100_000 });
    },
    back: async (db) => {
      await db.collection('log').insertMany(numbered(70));
      await db.collection('new').insertMany(numbered(3));
      await db.collection('plain').insertMany(numbered(3));
    },
  },
  {
    name: 'expiry',
    before: async (db) => {
      for (const name of ['sessions', 'carts']) await db.collection(name).insertMany(dated(20));
      await db.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
      await db.collection('carts').createIndex({ at: 1 }, { expireAfterSeconds: 7_200, name: 'dropped' });
    },
    there: async (db) => {
      await db.command({ collMod: 'sessions', index: { keyPattern: { at: 1 }, expireAfterSeconds: 9_000 } });
      await db.collection('carts').dropIndex('dropped');
      await db.collection('carts').createIndex({ n: 1, at: 1 });
      await db.collection('new').insertMany(dated(20));
      await db.collection('new').createIndex({ at: 1 }, { expireAfterSeconds: 60, sparse: true });
    },
    back: async (db) => {
      await db.command({ collMod: 'new', index: { keyPattern: { at: 1 }, expireAfterSeconds: 120 } });
      await db.collection('sessions').dropIndex('at_1');
      await db.collection('carts').createIndex({ at: 1 }, { expireAfterSeconds: 86_400 });
    },
  },
  {
    name: 'unique',
    before: async (db) => {
      await db.collection('seats').insertMany(numbered(40));
      await db.collection('seats').createIndex({ n: 1 }, { unique: true });
      await db.collection('plain').insertMany(numbered(40));
      await db.collection('plain').createIndex({ n: 1 });
    },
    there: async (db) => {
      await db.collection('seats').dropIndex('n_1');
      await db.collection('seats').createIndex({ n: 1, row: 1 }, { unique: true });
      await db.collection('seats').insertOne({ n: 3, row: 1 });
      // The way to a unique index without a new build.
      await db.command({ collMod: 'plain', index: { keyPattern: { n: 1 }, prepareUnique: true } });
      await db.command({ collMod: 'plain', index: { keyPattern: { n: 1 }, unique: true } });
      await db.collection('new').insertMany(numbered(40));
      await db.collection('new').createIndex({ n: 1 }, { unique: true, partialFilterExpression: { n: { $gt: 5 } } });
      await db.collection('new').createIndex({ code: 1 }, { unique: true, sparse: true, hidden: true });
      await db.collection('prepared').insertMany(numbered(4));
      await db.collection('prepared').createIndex({ n: 1 });
      await db.command({ collMod: 'prepared', index: { keyPattern: { n: 1 }, prepareUnique: true } });
    },
    back: async (db) => {
      for (const [from, to] of [
        [7, -1],
        [8, 7],
        [-1, 8],
      ])
        await db.collection('new').updateOne({ n: from }, { $set: { n: to } });
      await db.collection('plain').dropIndex('n_1');
      await db.command({ collMod: 'new', index: { name: 'code_1', hidden: false } });
    },
  },
  {
    name: 'validators',
    before: async (db) => {
      await db.createCollection('items', { validator: { n: { $gte: 0 } }, validationLevel: 'moderate' });
      await db.collection('items').insertMany(numbered(20));
      await db.createCollection('free', { validator: { n: { $type: 'int' } }, validationAction: 'warn' });
    },
    there: async (db) => {
      const validator = { $jsonSchema: { required: ['n'], properties: { n: { minimum: 0 } } } };
      await db.command({ collMod: 'items', validator, validationLevel: 'strict', validationAction: 'error' });
      await db.command({ collMod: 'free', validator: {}, validationLevel: 'off' });
      await db.createCollection('new', { validator: { n: { $exists: true } }, validationAction: 'warn' });
      await db.collection('new').insertMany([...numbered(5), { invalid: true }]);
      await db.collection('items').insertMany([{ without: 'n' }], { bypassDocumentValidation: true });
    },
    back: async (db) => {
      await db.command({ collMod: 'new', validationAction: 'error' });
      await db.command({ collMod: 'items', validator: {} });
      await db.collection('items').insertOne({ anything: true });
    },
  },
  {
    name: 'collations',
    before: async (db) => {
      await db.createCollection('names', { collation: { locale: 'en', strength: 2 } });
      await db.collection('names').insertMany([{ name: 'Ann' }, { name: 'Bob' }]);
      await db.collection('names').createIndex({ name: 1 }, { unique: true });
    },
    there: async (db) => {
      await db.collection('names').insertOne({ name: 'Cy' });
      await db.collection('names').updateOne({ name: 'ANN' }, { $set: { name: 'ann' } });
      await db.collection('names').createIndex({ city: 1 }, { collation: { locale: 'simple' } });
      await db.createCollection('new', { collation: { locale: 'fr', backwards: true } });
      await db.collection('new').insertMany([{ _id: 'côte' as never }, { _id: 'coté' as never }]);
      await db.collection('plain').insertMany(numbered(5));
      await db.collection('plain').createIndex({ n: 1 }, { collation: { locale: 'de', numericOrdering: true } });
    },
    back: async (db) => {
      await db.collection('new').insertOne({ _id: 'cote' as never });
      await db.collection('names').deleteOne({ name: 'BOB' });
    },
  },
  {
    name: 'indexes_and_options',
    before: async (db) => {
      await db.createCollection('items', { changeStreamPreAndPostImages: { enabled: true } });
      await db.collection('items').insertMany(numbered(30));
      await db.collection('items').createIndex({ '$**': 1 });
    },
    there: async (db) => {
      await db.command({ collMod: 'items', changeStreamPreAndPostImages: { enabled: false } });
      await db.collection('items').createIndex({ n: 'hashed' });
      await db.collection('items').createIndex({ text: 'text' }, { weights: { text: 3 }, default_language: 'german' });
      await db.collection('items').createIndex({ place: '2dsphere' }, { hidden: true });
      await db.createCollection('new', { changeStreamPreAndPostImages: { enabled: true } });
      await db.collection('new').rename('renamed');
      await db.collection<{ _id: string; value: string }>('system.js').insertOne({ _id: 'twice', value: 'n => 2 * n' });
    },
    back: async (db) => {
      await db.collection('renamed').insertMany(numbered(3));
      await db.collection('items').dropIndex('$**_1');
      await db.collection<{ _id: string }>('system.js').deleteOne({ _id: 'twice' });
    },
  },
  {
    name: 'names',
    before: async (db) => {
      for (const name of ['a', 'b', 'remade', 'moved', 'target']) {
        await db.collection(name).insertMany(numbered(10).map((one) => ({ ...one, of: name })));
        await db.collection(name).createIndex({ n: 1 }, { unique: true });
      }
      await db.client.db('names_dropped').collection('items').insertMany(numbered(5));
    },
    there: async (db) => {
      await db.collection('a').rename('between');
      await db.collection('b').rename('a');
      await db.collection('between').rename('b');
      await db.collection('remade').drop();
      await db.createCollection('remade', { timeseries: { timeField: 'at', metaField: 'sensor' } });
      await db.collection('remade').insertMany(measurements(10, 'r'));
      await db.admin().command({ renameCollection: 'names.moved', to: 'names_other.moved' });
      await db.collection('b').rename('target', { dropTarget: true });
      await db.client.db('names_dropped').dropDatabase();
      await db.client.db('Names_Dropped').collection('items').insertMany(numbered(5));
    },
    back: async (db) => {
      await db.collection('remade').drop();
      await db.createCollection('remade', { capped: true, size: 10_000 });
      await db.collection('remade').insertMany(numbered(10));
      await db.admin().command({ renameCollection: 'names_other.moved', to: 'names.moved' });
      await db.collection('target').rename('a', { dropTarget: true });
      await db.client.db('Names_Dropped').dropDatabase();
      await db.client.db('names_dropped').collection('items').insertMany(numbered(5));
    },
  },
];
