import { type Db, type Document, Double } from 'mongodb';
import { needsSource } from '../../support/source-version.ts';

export const create = (command: Document) => (db: Db) => db.command(command);
export const collMod = (name: string, change: Document) => (db: Db) => db.command({ collMod: name, ...change });
export const index = (fields: Document) => (db: Db) =>
  db.command({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'i', ...fields }] });

export const validator = { a: { $exists: true } };
export const timeseries = { timeField: 't', metaField: 'm' };
export const german = { locale: 'de' };
export const unseen = needsSource('6.0', 'it has no such option');

/** Pairs of databases that differ: how each side's is made, and the differences. */
export const PLANTED: readonly [
  what: string,
  source: readonly Make[],
  destination: readonly Make[],
  expected: string[],
][] = [
  [
    'a missing collection',
    [create({ create: 'c' })],
    [create({ create: 'd' })],
    ['collection missing s.c', 'collection extra s.d'],
  ],
  [
    'a missing view',
    [create({ create: 'v', viewOn: 'c' })],
    [create({ create: 'c' })],
    ['collection missing s.v', 'collection extra s.c'],
  ],
  [
    'a view in place of a collection',
    [create({ create: 'c' })],
    [create({ create: 'c', viewOn: 'd' })],
    ['options s.c type'],
  ],
  [
    'a view on another collection',
    [create({ create: 'v', viewOn: 'c' })],
    [create({ create: 'v', viewOn: 'd' })],
    ['view s.v viewOn'],
  ],
  [
    'a view with another pipeline',
    [create({ create: 'v', viewOn: 'c', pipeline: [{ $match: { a: 1 } }] })],
    [create({ create: 'v', viewOn: 'c', pipeline: [{ $match: { a: new Double(2) } }] })],
    ['view s.v pipeline'],
  ],
  ['a validator', [create({ create: 'c', validator })], [create({ create: 'c' })], ['options s.c validator']],
  [
    'another validator',
    [create({ create: 'c', validator })],
    [create({ create: 'c', validator: { b: 1 } })],
    ['options s.c validator'],
  ],
  [
    'how strictly documents are validated',
    [create({ create: 'c', validator, validationLevel: 'moderate', validationAction: 'warn' })],
    [create({ create: 'c', validator })],
    ['options s.c validationAction', 'options s.c validationLevel'],
  ],
  ['a collation', [create({ create: 'c', collation: german })], [create({ create: 'c' })], ['options s.c collation']],
  [
    'the strength of a collation',
    [create({ create: 'c', collation: german })],
    [create({ create: 'c', collation: { ...german, strength: 1 } })],
    ['options s.c collation'],
  ],
  [
    'the size of a capped collection',
    [create({ create: 'c', capped: true, size: 4096, max: 5 })],
    [create({ create: 'c', capped: true, size: 8192, max: 6 })],
    ['options s.c max', 'options s.c size'],
  ],
  [
    'a cap',
    [create({ create: 'c', capped: true, size: 4096 })],
    [create({ create: 'c' })],
    ['options s.c capped', 'options s.c size'],
  ],
  [
    'the granularity of a time series',
    [create({ create: 't', timeseries: { ...timeseries, granularity: 'minutes' } })],
    [create({ create: 't', timeseries })],
    ['options s.t timeseries'],
  ],
  [
    'the expiry of a time series',
    [create({ create: 't', timeseries, expireAfterSeconds: 1_000 })],
    [create({ create: 't', timeseries })],
    ['options s.t expireAfterSeconds'],
  ],
  ['a time series', [create({ create: 't', timeseries })], [create({ create: 't' })], ['options s.t type']],
  [
    'a clustered collection',
    [create({ create: 'c', clusteredIndex: { key: { _id: 1 }, unique: true }, expireAfterSeconds: 9 })],
    [create({ create: 'c' })],
    ['options s.c clusteredIndex', 'options s.c expireAfterSeconds'],
  ],
  [
    'the name of a clustered index',
    [create({ create: 'c', clusteredIndex: { key: { _id: 1 }, unique: true, name: 'x' } })],
    [create({ create: 'c', clusteredIndex: { key: { _id: 1 }, unique: true, name: 'y' } })],
    ['options s.c clusteredIndex'],
  ],
  [
    'pre-images',
    [create({ create: 'c', changeStreamPreAndPostImages: { enabled: true } })],
    [create({ create: 'c' })],
    ['options s.c changeStreamPreAndPostImages'],
  ],
  [
    'the storage engine',
    [create({ create: 'c', storageEngine: { wiredTiger: { configString: 'block_compressor=zlib' } } })],
    [create({ create: 'c' })],
    ['options s.c storageEngine'],
  ],
  ['a missing index', [index({})], [create({ create: 'c' })], ['index missing s.c i']],
  ['an additional index', [create({ create: 'c' })], [index({})], ['index extra s.c i']],
  ['an index with another name', [index({})], [index({ name: 'j' })], ['index missing s.c i', 'index extra s.c j']],
  ['the direction of a key', [index({})], [index({ key: { a: -1 } })], ['index s.c i key']],
  ['the order of a key', [index({ key: { a: 1, b: 1 } })], [index({ key: { b: 1, a: 1 } })], ['index s.c i key']],
  ['the kind of a key', [index({})], [index({ key: { a: 'hashed' } })], ['index s.c i key']],
  ['unique', [index({ unique: true })], [index({})], ['index s.c i unique']],
  ['prepared to be unique', [index({ prepareUnique: true })], [index({})], ['index s.c i prepareUnique']],
  ['sparse', [index({ sparse: true })], [index({})], ['index s.c i sparse']],
  ['hidden', [index({ hidden: true })], [index({})], ['index s.c i hidden']],
  ['TTL', [index({ expireAfterSeconds: 60 })], [index({})], ['index s.c i expireAfterSeconds']],
  [
    'another TTL',
    [index({ expireAfterSeconds: 60 })],
    [index({ expireAfterSeconds: 61 })],
    ['index s.c i expireAfterSeconds'],
  ],
  [
    'a partial index',
    [index({ partialFilterExpression: { a: { $gt: 1 } } })],
    [index({ partialFilterExpression: { a: { $gt: 2 } } })],
    ['index s.c i partialFilterExpression'],
  ],
  ['the collation of an index', [index({ collation: german })], [index({})], ['index s.c i collation']],
  [
    'the weights of a text index',
    [index({ key: { a: 'text' }, weights: { a: 2 } })],
    [index({ key: { a: 'text' } })],
    ['index s.c i weights'],
  ],
  [
    'the language of a text index',
    [index({ key: { a: 'text' }, default_language: 'german', language_override: 'l' })],
    [index({ key: { a: 'text' } })],
    ['index s.c i default_language', 'index s.c i language_override'],
  ],
  [
    'the bounds of a 2d index',
    [index({ key: { a: '2d' }, min: -10, max: -1, bits: 20 })],
    [index({ key: { a: '2d' } })],
    ['index s.c i bits', 'index s.c i max', 'index s.c i min'],
  ],
  [
    'the version of a 2dsphere index',
    [index({ key: { a: '2dsphere' }, '2dsphereIndexVersion': 2 })],
    [index({ key: { a: '2dsphere' } })],
    ['index s.c i 2dsphereIndexVersion'],
  ],
  [
    'the projection of a wildcard index',
    [index({ key: { '$**': 1 }, wildcardProjection: { a: 1 } })],
    [index({ key: { '$**': 1 } })],
    ['index s.c i wildcardProjection'],
  ],
  ['the version of an index', [index({ v: 1 })], [index({})], ['index s.c i v']],
];
export type Make = (db: Db) => Promise<unknown>;
