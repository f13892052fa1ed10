import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CreateCollectionOptions, type Document, Double, Long } from 'mongodb';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

/** A collection of each name, with these indexes. */
const KINDS: Readonly<Record<string, readonly Document[]>> = {
  ascending: [{ key: { a: 1 } }],
  descending: [{ key: { a: -1 } }],
  'compound, with numbers of every type': [{ key: { a: new Double(-1.5), b: new Long(1), 'c.d': 2 } }],
  unique: [{ key: { a: 1 }, unique: true }],
  'unique and sparse': [{ key: { a: 1 }, unique: true, sparse: true }],
  'unique and partial': [{ key: { a: 1 }, unique: true, partialFilterExpression: { b: { $gt: new Double(5) } } }],
  'prepared to be unique': [{ key: { a: 1 }, prepareUnique: true }],
  sparse: [
    { key: { a: 1 }, sparse: 1 },
    { key: { b: 1 }, sparse: false },
  ],
  partial: [{ key: { a: 1 }, partialFilterExpression: { $and: [{ b: { $exists: true } }, { c: 'x' }] } }],
  expiring: [
    { key: { at: 1 }, expireAfterSeconds: new Double(86_400.5) },
    { key: { later: -1 }, expireAfterSeconds: 0 },
  ],
  hidden: [
    { key: { a: 1 }, hidden: true },
    { key: { b: 1 }, hidden: true, unique: true },
  ],
  background: [{ key: { a: 1 }, background: true }],
  'of version 1': [{ key: { a: 1 }, v: 1 }],
  text: [
    {
      key: { a: 1, title: 'text', body: 'text', z: -1 },
      weights: { title: new Double(10), other: 3 },
      default_language: 'french',
      language_override: 'idioma',
    },
  ],
  'text of all fields, version 2': [{ key: { '$**': 'text' }, textIndexVersion: 2 }],
  '2dsphere': [
    { key: { at: '2dsphere', a: 1 }, coarsestIndexedLevel: 2, finestIndexedLevel: 20 },
    { key: { from: '2dsphere' }, '2dsphereIndexVersion': 1 },
    { key: { to: '2dsphere' }, '2dsphereIndexVersion': 2 },
  ],
  '2d': [{ key: { at: '2d', a: 1 }, bits: new Double(20), min: -100, max: new Double(100.5) }],
  hashed: [{ key: { a: 'hashed' } }, { key: { a: 1, b: 'hashed', c: -1 } }],
  wildcard: [
    { key: { '$**': 1 }, wildcardProjection: { a: 1, 'b.c': true, _id: new Double(0) } },
    { key: { 'sub.$**': 1 } },
  ],
  collation: [
    { key: { a: 1 }, collation: { locale: 'fr', strength: 2, backwards: true } },
    { key: { b: 1 }, collation: { locale: 'simple' }, unique: true },
    { key: { b: 'hashed' }, collation: { locale: 'simple' } },
    { key: { title: 'text' }, collation: { locale: 'simple' } },
    { key: { c: 1 }, v: 1 },
  ],
  'options of the storage engine': [
    { key: { a: 1 }, storageEngine: { wiredTiger: { configString: 'prefix_compression=false' } } },
  ],
  'of a time series': [
    { key: { at: '2dsphere', 'm.a': 1 }, collation: { locale: 'simple' } },
    { key: { 'm.place': '2dsphere' }, collation: { locale: 'simple' } },
    { key: { 'm.flat': '2d' }, bits: 20, collation: { locale: 'simple' } },
    { key: { 'm.b': 1 } },
    { key: { a: -1, t: 1 }, partialFilterExpression: { 'm.a': { $gt: 1 } } },
  ],
  'as many as there can be': Array.from({ length: 63 }, (_, n) => ({
    key: { [`f${n}`]: n % 2 ? 1 : -1 },
    unique: n === 7,
  })),
};

const OPTIONS: Readonly<Record<string, CreateCollectionOptions>> = {
  collation: { collation: { locale: 'de' } },
  'of a time series': { timeseries: { timeField: 't', metaField: 'm' }, collation: { locale: 'de' } },
};

/** Kinds that came with 6.0, or can't be followed before. */
const KINDS_OF_6 = ['prepared to be unique', 'of a time series'];
const left = needsSource('6.0', 'it has no such kind') ? KINDS_OF_6 : [];
const kinds = Object.entries(KINDS).filter(([name]) => !left.includes(name));

// id: every-kind-of-index
test('indexes of every kind end as on the source', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('kinds');
  for (const [name, specs] of kinds) {
    // In the order in which servers list it: of a time series' index they keep the words in which it was asked for.
    const indexes = specs.map(({ key, ...options }, n) => ({ v: 2, key, name: `index ${n}`, ...options }));
    await db.createCollection(name, OPTIONS[name]);
    await db.command({ createIndexes: name, indexes });
    await db.collection(name).insertOne({ t: new Date(), a: 'x', b: 7, at: [1, 2], title: 'le titre' });
  }
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.deepEqual(
    running.progress.warnings.filter(
      (warning) => /index/.test(warning) && !/the most that a server allows|unable to start again/.test(warning),
    ),
    [],
  );
  await running.commit();
  assert.doesNotMatch(running.progress.warnings.join(), /On the open destination/);
  const { collections } = await expectIdentical(pair);
  const buckets = kinds.length === Object.keys(KINDS).length ? 1 : 0;
  assert.equal(collections, kinds.length + buckets, 'those, and the buckets of the time series');
});
