import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Double, Long, type MongoClient } from 'mongodb';
import { inWords } from '../../../src/contract/index.ts';
import { type AccountKind, readDefinitions } from '../../../src/engine/accounts/definition.ts';
import { canonicalIndex, canonicalOptions, fingerprintOf } from '../../../src/engine/compare/canonical-form.ts';
import {
  type CatalogDifference,
  compareAccounts,
  compareCatalogs,
  EXPECTED_UNTIL_CUTOVER,
} from '../../../src/engine/compare/catalog-differences.ts';
import { readSideCatalog, type SideCatalog } from '../../../src/engine/compare/side-catalog.ts';
import type { Side } from '../../../src/engine/mongodb/side.ts';
import { NamespaceMap, type NamespaceRemap } from '../../../src/engine/scope/namespace-map.ts';
import { type NamespaceFilters, Selection } from '../../../src/engine/scope/selection.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import {
  collMod,
  create,
  german,
  index,
  type Make,
  PLANTED,
  timeseries,
  unseen,
  validator,
} from './planted-catalogs.ts';

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair();
});
after(() => pair[Symbol.asyncDispose]());
beforeEach(() => emptyPair(pair));

const read = (client: MongoClient, side: Side, filters: NamespaceFilters = {}, remaps: NamespaceRemap[] = []) =>
  readSideCatalog(client, side, { selection: new Selection(filters), namespaces: new NamespaceMap(remaps) });

async function differences(filters: NamespaceFilters = {}, remaps: NamespaceRemap[] = []) {
  const [source, destination] = await Promise.all([
    read(pair.source.client, 'source', filters, remaps),
    read(pair.destination.client, 'destination', filters, remaps),
  ]);
  return compareCatalogs(source, destination);
}

const shown = ({ namespace, class: kind, name, path }: CatalogDifference) =>
  [inWords(kind), namespace, name, path].filter((part) => part !== undefined).join(' ');

/** All fingerprints of one side, as a report has them. */
function fingerprints(catalog: SideCatalog) {
  return [...catalog].map(([namespace, { type, options, indexes }]) => [
    namespace,
    type,
    fingerprintOf(canonicalOptions(options)),
    indexes.map((spec) => `${spec.name} ${fingerprintOf(canonicalIndex(spec))}`).sort(),
  ]);
}

test('every kind of difference between two catalogs is found, with its path', { skip: unseen }, async (t) => {
  for (const [what, source, destination, expected] of PLANTED) {
    await t.test(what, async () => {
      for (const make of source) await make(pair.source.client.db('s'));
      for (const make of destination) await make(pair.destination.client.db('s'));
      assert.deepEqual((await differences()).map(shown).sort(), expected.toSorted());
      const [left, right] = await Promise.all([
        read(pair.source.client, 'source'),
        read(pair.destination.client, 'destination'),
      ]);
      assert.notDeepEqual(fingerprints(left), fingerprints(right));
    });
  }
});

test('a difference has both values in canonical Extended JSON', async () => {
  await index({ expireAfterSeconds: 60 })(pair.source.client.db('s'));
  await index({ expireAfterSeconds: 61 })(pair.destination.client.db('s'));
  assert.deepEqual(await differences(), [
    {
      namespace: 's.c',
      destinationNamespace: 's.c',
      class: 'INDEX',
      name: 'i',
      path: 'expireAfterSeconds',
      source: '{"$numberDouble":"60.0"}',
      destination: '{"$numberDouble":"61.0"}',
    },
  ]);
});

/** Two people make the same catalog in these two ways. */
const EVERYTHING: readonly Make[] = [
  create({
    create: 'c',
    validator,
    validationLevel: 'moderate',
    collation: german,
    changeStreamPreAndPostImages: { enabled: true },
  }),
  index({ unique: true, partialFilterExpression: { a: { $gt: 1 } }, expireAfterSeconds: 5 }),
  index({ key: { b: 1, a: -1 }, name: 'k', collation: { locale: 'simple' }, hidden: true }),
  index({ key: { c: 'text', d: 'text' }, name: 't', weights: { c: 1, d: 2 }, collation: { locale: 'simple' } }),
  create({ create: 'l', capped: true, size: 5_000, max: 9 }),
  create({ create: 'n', capped: true, size: 5_000 }),
  create({ create: 't', timeseries: { ...timeseries, granularity: 'minutes' }, expireAfterSeconds: 100 }),
  create({ create: 'p' }),
  create({ create: 'v', viewOn: 'c', pipeline: [{ $match: { a: 1 } }], collation: german }),
  create({ create: 'k', clusteredIndex: { key: { _id: 1 }, unique: true }, expireAfterSeconds: 9 }),
  (db) => db.collection<{ _id: string; value: number }>('system.js').insertOne({ _id: 'f', value: 1 }),
];

/** The same in another order, with other number types, defaults written out, and by way of other definitions. */
const EVERYTHING_OTHERWISE: readonly Make[] = [
  create({
    create: 'k',
    expireAfterSeconds: new Double(9),
    clusteredIndex: { unique: true, key: { _id: new Double(1) } },
  }),
  create({ create: 'v', collation: german, pipeline: [{ $match: { a: 1 } }], viewOn: 'c' }),
  create({ create: 'p', validator }),
  collMod('p', { validator: {}, validationLevel: 'strict', validationAction: 'error' }),
  collMod('p', { changeStreamPreAndPostImages: { enabled: true } }),
  collMod('p', { changeStreamPreAndPostImages: { enabled: false } }),
  create({
    create: 't',
    expireAfterSeconds: Long.fromNumber(100),
    timeseries: { granularity: 'minutes', metaField: 'm', timeField: 't' },
  }),
  create({ create: 'n', max: 7, size: 5_000, capped: true }),
  collMod('n', { cappedMax: 0 }),
  create({ create: 'l', max: Long.fromNumber(9), size: new Double(5_000), capped: true }),
  create({ create: 'c', changeStreamPreAndPostImages: { enabled: true }, collation: { locale: 'de', strength: 3 } }),
  index({ key: { c: 'text', d: 'text' }, weights: { d: new Double(2) }, name: 't', collation: { locale: 'simple' } }),
  index({
    hidden: true,
    collation: { locale: 'simple' },
    name: 'k',
    key: { b: new Double(1), a: Long.fromNumber(-1) },
    sparse: false,
  }),
  index({
    expireAfterSeconds: new Double(5),
    partialFilterExpression: { a: { $gt: 1 } },
    unique: true,
    background: true,
  }),
  collMod('c', { validationLevel: 'moderate', validationAction: 'error', validator }),
  (db) => db.collection<{ _id: string; value: number }>('system.js').insertOne({ _id: 'f', value: 1 }),
];

test('two catalogs that were made by different paths and mean the same have no difference and equal fingerprints', {
  skip: unseen,
}, async () => {
  for (const make of EVERYTHING) await make(pair.source.client.db('s'));
  for (const make of EVERYTHING_OTHERWISE) await make(pair.destination.client.db('s'));
  const [source, destination] = await Promise.all([
    read(pair.source.client, 'source'),
    read(pair.destination.client, 'destination'),
  ]);
  assert.deepEqual(compareCatalogs(source, destination), []);
  assert.deepEqual(fingerprints(source), fingerprints(destination));
  assert.deepEqual([...source.keys()], ['s.c', 's.k', 's.l', 's.n', 's.p', 's.system.js', 's.t', 's.v']);
});

test('a migration leaves no difference, and has the expected one of a weakened index and of expiry before its cutover', {
  skip: unseen,
}, async () => {
  for (const make of EVERYTHING) await make(pair.source.client.db('s'));
  const remap = [{ from: { database: 's' }, to: { database: 'z' } }];
  await using running = RunningMigration.start(pair, { namespaceRemap: remap });
  await running.untilReady();
  const sides = async () =>
    [
      await read(pair.source.client, 'source', {}, remap),
      await read(pair.destination.client, 'destination', {}, remap),
    ] as const;
  const [source, destination] = await sides();
  assert.deepEqual(compareCatalogs(source, destination, EXPECTED_UNTIL_CUTOVER), []);
  assert.deepEqual(compareCatalogs(source, destination).map(shown).sort(), [
    'index s.c i expireAfterSeconds',
    'index s.c i unique',
    'options s.k expireAfterSeconds',
    'options s.t expireAfterSeconds',
  ]);
  await pair.destination.client.db('z').command({ collMod: 'c', index: { name: 'k', hidden: false } });
  const hidden = compareCatalogs(...(await sides()), EXPECTED_UNTIL_CUTOVER);
  assert.deepEqual(hidden.map(shown), ['index s.c k hidden']);
  assert.equal(hidden[0]?.destinationNamespace, 'z.c');
  await pair.destination.client.db('z').command({ collMod: 'c', index: { name: 'k', hidden: true } });
  await running.commit();
  assert.deepEqual(compareCatalogs(...(await sides())), []);
});

test('filters and remaps decide what is compared, and other data of the destination is left alone', async () => {
  for (const name of ['one', 'two', 'other']) await pair.source.client.db('a').createCollection(name);
  await pair.source.client.db('b').createCollection('one');
  const there = pair.destination.client;
  await there.db('z').createCollection('first');
  await there.db('z').createCollection('two');
  for (const name of ['one', 'of another client']) await there.db('a').createCollection(name);
  const remaps = [
    { from: { database: 'a' }, to: { database: 'z' } },
    { from: { database: 'a', collection: 'one' }, to: { database: 'z', collection: 'first' } },
  ];
  const filters = { include: [{ database: 'a', collections: ['one', 'two'] }] };
  assert.deepEqual(await differences(filters, remaps), []);
  await there.db('z').collection('first').drop();
  assert.deepEqual(await differences(filters, remaps), [
    { namespace: 'a.one', destinationNamespace: 'z.first', class: 'COLLECTION_MISSING' },
  ]);
});

test('users and roles that are missing or differ are found, whatever order their roles are in, without a secret', async () => {
  await using own = await startPair();
  const both = [own.source.client, own.destination.client];
  const accounts = (client: MongoClient) =>
    Promise.all((['user', 'role'] as AccountKind[]).map((kind) => readDefinitions(client, kind))).then((all) =>
      all.flat(),
    );
  const found = async () => compareAccounts(await accounts(own.source.client), await accounts(own.destination.client));
  const privileges = [
    { resource: { db: 's', collection: 'a' }, actions: ['find', 'insert'] },
    { resource: { db: 's', collection: 'b' }, actions: ['find'] },
  ];
  await own.source.client.db('s').command({ createRole: 'reader', privileges, roles: ['read', 'dbAdmin'] });
  await own.source.client.db('s').command({ createUser: 'ann', pwd: 'a', roles: ['read', 'reader'] });
  assert.deepEqual((await found()).map(shown).sort(), ['role s reader', 'user s ann']);
  await syncOnce(own, { usersAndRoles: true });
  assert.deepEqual(await found(), []);
  // Equal roles that another client made in another order, and an account that only the destination has.
  await own.destination.client
    .db('s')
    .command({ updateRole: 'reader', privileges: privileges.toReversed(), roles: ['dbAdmin', 'read'] });
  await own.destination.client.db('s').command({ updateUser: 'ann', roles: ['reader', 'read'] });
  await own.destination.client.db('s').command({ createUser: 'bob', pwd: 'b', roles: [] });
  assert.deepEqual(await found(), []);
  await own.destination.client.db('s').command({ updateUser: 'ann', pwd: 'other', roles: ['read'] });
  await own.destination.client.db('s').command({ updateRole: 'reader', privileges: privileges.slice(1) });
  const differing = await found();
  assert.deepEqual(differing.map(shown).sort(), [
    'role s reader privileges',
    'user s ann credentials',
    'user s ann roles',
  ]);
  assert.doesNotMatch(JSON.stringify(differing), /SCRAM|storedKey/);
  await Promise.all(both.map((client) => client.close()));
});
