import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Db, MongoClient } from 'mongodb';
import { type MigrationOptions, type NamespaceRemap, preflight } from '../../../src/engine/index.ts';
import { NamespaceMap } from '../../../src/engine/scope/namespace-map.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource, startPairWithOldSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

/** `a` to `b`, or `a.x` to `b.y`. */
function remap(...pairs: readonly (readonly [from: string, to: string])[]): NamespaceRemap[] {
  const name = (text: string) => {
    const [database = '', ...rest] = text.split('.');
    return rest.length === 0 ? { database } : { database, collection: rest.join('.') };
  };
  return pairs.map(([from, to]) => ({ from: name(from), to: name(to) }));
}

test('a remap names what is wrong with it', () => {
  const wrong: [NamespaceRemap[], RegExp][] = [
    [remap(['a', 'admin']), /admin is not a database for users' data/],
    [remap(['a', 'CONFIG']), /CONFIG/],
    [remap(['a', 'linkspan_internal']), /linkspan_internal/],
    [remap(['local', 'b']), /local/],
    [remap(['a', '__mdb_internal_x']), /__mdb_internal_x/],
    [remap(['a', '']), /"" is no name for a database/],
    [remap(['a', 'x'.repeat(64)]), /xxx" is no name/],
    [remap(['a', 'with space']), /with space/],
    [[{ from: { database: 'a' }, to: { database: 'b.c' } }], /b\.c/],
    [remap(['a', 'x'], ['b', 'x']), /a and b both become x/],
    [remap(['a', 'x'], ['b', 'X']), /differ only by case/],
    [remap(['a', 'x'], ['a', 'y']), /a is remapped twice/],
    [remap(['a.x', 'b']), /two databases or two collections/],
    [remap(['a.x', 'b.x']), /a\.x goes to the database a as all of its database/],
    [remap(['a', 'b'], ['a.x', 'a.y']), /a\.x goes to the database b/],
    [remap(['a.x', 'a.z'], ['a.y', 'a.z']), /two collections become a\.z/],
    [remap(['a.x', 'a.y'], ['a.x', 'a.z']), /a\.x is remapped twice/],
    [remap(['a.x', 'a.system.y']), /system\.y/],
    [remap(['a.x', 'a.$y']), /\$y/],
  ];
  for (const [remaps, message] of wrong) {
    assert.throws(() => new NamespaceMap(remaps), { code: 'INVALID_REMAP', message });
  }
  const map = new NamespaceMap(remap(['a', 'b'], ['b', 'a'], ['a.x', 'b.y']));
  assert.deepEqual([map.database('a'), map.database('b'), map.database('c')], ['b', 'a', 'c']);
  assert.deepEqual([map.collection('a', 'x'), map.collection('b', 'x')], ['y', 'x']);
  assert.equal(map.collection('a', 'system.buckets.x'), 'system.buckets.y');
});

const skip = needsSource('6.0', 'its stream does not show changes of the catalog, nor time series');

describe('a migration to other names', { skip }, () => {
  let pair: ReplicaSetPair;
  let source: MongoClient;
  before(async () => {
    pair = await startPair();
    source = pair.source.client;
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const fresh = async () => {
    await emptyPair(pair);
    const shop = source.db('shop');
    await shop.collection('orders').insertMany(numbered(2_000));
    await shop.collection('orders').createIndex({ n: 1 }, { unique: true });
    await shop.collection('items').insertMany(numbered(500));
    await shop.createCollection('log', { capped: true, size: 100_000, max: 100 });
    await shop.collection('log').insertMany(numbered(150));
    await shop.createCollection('series', { timeseries: { timeField: 'at' } });
    await shop.collection('series').insertOne({ at: new Date(), n: 1 });
    await shop.createCollection('view', { viewOn: 'items', pipeline: [{ $unionWith: 'log' }] });
    await source.db('crm').collection('contacts').insertMany(numbered(500));
    await source.db('stays').collection('things').insertMany(numbered(10));
  };
  const REMAP = remap(
    ['shop', 'store'],
    ['crm', 'shop'],
    ['shop.orders', 'store.purchases'],
    ['shop.series', 'store.rows'],
  );
  const RENAMED = new Map([
    ['shop', 'store'],
    ['crm', 'shop'],
    ['shop.orders', 'purchases'],
    ['shop.series', 'rows'],
    ['shop.system.buckets.series', 'system.buckets.rows'],
  ]);
  const assertInStep = async () => {
    await expectIdentical(pair, { renamed: RENAMED });
  };
  const optionsOf = (
    namespaceRemap: readonly NamespaceRemap[],
    more: Partial<MigrationOptions> = {},
  ): MigrationOptions => ({
    migrationId: newId(),
    source: { uri: pair.source.uri },
    destination: { uri: pair.destination.uri },
    dropDestination: false,
    logger: silentLogger,
    namespaceRemap,
    ...more,
  });

  // id: other-names-followed
  test('follows writers and changes of the catalog, in the copy and after it, and ends identical', async () => {
    await fresh();
    await using writer = await startLedgerWriter({
      clients: [source],
      namespaces: ['shop.orders', 'crm.contacts'],
      seed: 5,
      ratePerSecond: 150,
    });
    using changed = onceAt('engine.copy.batch-acknowledged', () => changeCatalog(source, 'first'));
    await using running = RunningMigration.start(pair, { namespaceRemap: REMAP });
    await running.untilReady();
    assert.ok(changed.result !== undefined, 'the catalog was changed during the copy');
    await changeCatalog(source, 'second');
    await writer.stop();
    await running.commit();
    await assertInStep();
  });

  test('resumes in another run, and not with another remap', async () => {
    await fresh();
    await using first = RunningMigration.start(pair, { namespaceRemap: REMAP });
    await first.untilReady();
    await first.stop();
    const { migrationId } = first.progress;
    await changeCatalog(source, 'between');
    await using other = RunningMigration.start(pair, { migrationId });
    await assert.rejects(other.outcome, { code: 'SELECTION_CHANGED' });
    await syncOnce(pair, { migrationId, namespaceRemap: REMAP });
    await assertInStep();
  });

  test('is refused for what cannot have its name, and what reads another name, each by name', async () => {
    await fresh();
    const refused = async (options: MigrationOptions, ...messages: RegExp[]) => {
      const errors = (await preflight(options)).filter(({ severity }) => severity === 'ERROR');
      const found = errors.map(({ message }) => message).join('\n');
      for (const message of messages) assert.match(found, message);
      assert.equal(errors.length, messages.length, found);
    };
    await refused(optionsOf(remap(['shop', 'crm'])), /^crm .*the database shop is to have its name/);
    await refused(optionsOf(remap(['shop', 'CRM'])), /^crm .*the database shop is to have its name/);
    await refused(
      optionsOf(remap(['shop.orders', 'shop.series'])),
      /^shop\.\w+ .*shop\.\w+, too, is to be shop\.series/,
    );
    await refused(
      optionsOf(remap(['shop.log', 'shop.logs'], ['shop.items', 'shop.goods'])),
      /^shop\.view .*it reads shop\.(log|items)/,
    );
    await refused(optionsOf(remap(['shpo', 'store'])), /the source has no shpo/);
    await refused(optionsOf(remap(['shop.odrers', 'shop.x'])), /the source has no shop\.odrers/);
    const filters = { exclude: [{ database: 'crm' }] };
    await refused(optionsOf(remap(['shop', 'crm']), { filters }));
    await refused(optionsOf(remap(['crm', 'x']), { filters }), /the source has no crm, or it is not selected/);
    await pair.destination.client.db('store').collection('purchases').insertOne({});
    await pair.destination.client.db('shop').collection('orders').insertOne({});
    await refused(optionsOf(REMAP, { keepDestination: true }), /already has store\.purchases/);
  });

  for (const [what, change, message] of [
    ['a collection', (db: Db) => db.createCollection('purchases'), /shop\.\w+ .*is to be store\.purchases/],
    [
      'a view',
      (db: Db) => db.createCollection('v', { viewOn: 'x', pipeline: JOIN }),
      /shop\.v .*it reads shop\.orders/,
    ],
    [
      'a database',
      (db: Db) => db.client.db('store').createCollection('x'),
      /store .*the database shop is to have its name/,
    ],
  ] as const) {
    test(`stops with the name when ${what} appears that cannot have its name`, async () => {
      await fresh();
      await using running = RunningMigration.start(pair, { namespaceRemap: REMAP });
      await running.untilReady();
      await change(source.db('shop'));
      await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message });
      assert.equal(await pair.destination.client.db('store').collection('purchases').countDocuments(), 2_000);
    });
  }
});

test('a source whose catalog has to stand still goes to other names, too, and only its matching documents', async () => {
  await using pair = await startPairWithOldSource();
  const shop = pair.source.client.db('shop');
  await shop.collection('orders').insertMany(numbered(1_000));
  await shop.collection('items').insertMany(numbered(100));
  await shop.createCollection('view', { viewOn: 'items', pipeline: [] });
  await using running = RunningMigration.start(pair, {
    namespaceRemap: remap(['shop', 'store'], ['shop.orders', 'store.purchases']),
    documentFilters: [{ database: 'shop', collection: 'orders', filter: { n: { $lt: 500 } } }],
  });
  await running.untilReady();
  await shop.collection('orders').updateMany({ n: { $gte: 900 } }, { $inc: { n: -900 } });
  await shop.collection('orders').updateMany({ n: { $lt: 50 } }, { $inc: { n: 2_000 } });
  await shop.collection('items').deleteMany({ n: 3 });
  await running.commit();
  await expectIdentical(pair, {
    renamed: new Map([
      ['shop', 'store'],
      ['shop.orders', 'purchases'],
    ]),
    selects: (namespace, { n }) => namespace !== 'shop.orders' || n < 500,
  });
});

const JOIN = [{ $facet: { a: [{ $lookup: { from: 'orders', as: 'o', pipeline: [] } }] } }];

/** Changes of namespaces, some of which have another name on the destination. */
async function changeCatalog(client: MongoClient, round: string): Promise<void> {
  const shop = client.db('shop');
  await shop.collection(`new ${round}`).insertMany(numbered(50));
  await shop.collection('items').rename(`items ${round}`);
  await shop.collection(`items ${round}`).insertOne({ after: 'rename' });
  await shop.collection('items').insertMany(numbered(30));
  // A name with another name on the destination changes its owner.
  await shop.collection('orders').rename(`orders ${round}`);
  await shop.collection('items').rename('orders', { dropTarget: true });
  await shop.collection('items').insertMany(numbered(20));
  await shop.collection('passing').insertMany(numbered(40));
  await shop.collection('passing').rename('orders', { dropTarget: true });
  await shop.command({ collMod: 'orders', validator: { n: { $gte: 0 } }, validationAction: 'warn' });
  await shop.collection('orders').createIndex({ n: -1 });
  await client.db('admin').command({ renameCollection: `shop.new ${round}`, to: `crm.moved ${round}` });
  await client.db('admin').command({ renameCollection: 'crm.contacts', to: `stays.contacts ${round}` });
  await client.db('crm').collection('contacts').insertMany(numbered(25));
  await shop.collection('view').drop();
  await shop.createCollection('view', { viewOn: `items ${round}`, pipeline: [{ $match: { n: 1 } }] });
  await client.db('crm').createCollection(`view ${round}`, { viewOn: 'contacts', pipeline: [] });
  await client.db('stays').collection('things').drop();
}
