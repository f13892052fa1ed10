import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Db, UUID } from 'mongodb';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'its stream does not show changes of the catalog');

/** Makes every kind of change to the catalog, on collections that `fill` made. */
async function changeEverything(db: Db): Promise<void> {
  await db.createCollection('new', { validator: { n: { $gte: 0 } }, collation: { locale: 'en', strength: 2 } });
  await db.collection('new').insertMany(many(50));
  await db.collection('new').createIndex({ n: 1 }, { unique: true });
  await db.command({ collMod: 'modified', validator: { n: { $lt: 1_000 } }, validationAction: 'warn' });
  await db.collection('dropped').drop();
  await db.collection('series').drop();
  await db.collection('replaced').drop();
  await db.collection<{ _id: string }>('replaced').insertOne({ _id: 'another collection of the same name' });
  await db.collection('renamed').rename('renamed-once');
  await db.collection('renamed-once').rename('renamed-twice');
  await db.collection('renamed-twice').insertOne({ after: 'rename' });
  // Two collections swap their names.
  await db.collection('left').rename('middle');
  await db.collection('right').rename('left');
  await db.collection('middle').rename('right');
  await db.collection('left').insertOne({ was: 'right' });
  await db.collection('onto').rename('target', { dropTarget: true });
  await db.collection('indexed').dropIndex('n_1');
  await db.collection('indexed').createIndex({ text: 'text', n: -1 }, { name: 'words' });
  await db.command({ collMod: 'indexed', index: { name: 'expiring', expireAfterSeconds: 7_200 } });
  await db.command({ collMod: 'indexed', index: { name: 'unseen', hidden: true } });
  await db.collection('view').drop();
  await db.createCollection('view', { viewOn: 'left', pipeline: [{ $match: { n: 1 } }] });
  await db.createCollection('another view', { viewOn: 'view', pipeline: [] });
  await db
    .collection('source')
    .aggregate([{ $match: { n: { $lt: 20 } } }, { $out: 'written by out' }])
    .toArray();
  await db
    .collection('source')
    .aggregate([{ $out: 'target' }])
    .toArray();
  await db.client.db('admin').command({ renameCollection: `${db.databaseName}.crossing`, to: 'elsewhere.crossed' });
  await db.command({ convertToCapped: 'converted', size: 1_000_000 });
  await db.client.db('gone').dropDatabase();
}

async function fill(pair: ReplicaSetPair): Promise<Db> {
  const db = pair.source.client.db('catalog');
  const names = [
    'modified',
    'dropped',
    'replaced',
    'renamed',
    'left',
    'right',
    'onto',
    'target',
    'indexed',
    'source',
    'crossing',
    'converted',
  ];
  for (const name of names) await db.collection(name).insertMany(many(200, name));
  await db.createCollection('series', { timeseries: { timeField: 'at' } });
  await db.collection('series').insertOne({ at: new Date() });
  await db
    .collection('indexed')
    .createIndexes([
      { key: { n: 1 } },
      { key: { at: 1 }, name: 'expiring', expireAfterSeconds: 3_600 },
      { key: { m: 1 }, name: 'unseen' },
      { key: { place: '2dsphere' }, name: 'geo' },
      { key: { h: 'hashed' } },
      { key: { 'w.$**': 1 } },
      { key: { p: 1 }, partialFilterExpression: { p: { $gt: 1 } }, unique: true },
    ]);
  await db.createCollection('empty');
  await db.createCollection('clustered', {
    clusteredIndex: { key: { _id: 1 }, unique: true },
    expireAfterSeconds: 100_000,
  });
  await db.collection<{ _id: Date }>('clustered').insertOne({ _id: new Date() });
  await db.createCollection('view', { viewOn: 'source', pipeline: [{ $limit: 1 }] });
  await pair.source.client.db('gone').collection('c').insertMany(many(10));
  return db;
}

// id: catalog-changes-while-following
test('changes of the catalog while the migration follows end as on the source', { skip }, async () => {
  await using pair = await startPair();
  const db = await fill(pair);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await changeEverything(db);
  await running.commit();
  await expectIdentical(pair);
});

// id: catalog-changes-in-copy
test('changes of the catalog in the middle of the copy end as on the source', { skip }, async () => {
  await using pair = await startPair();
  const db = await fill(pair);
  using changed = onceAt('engine.copy.batch-acknowledged', () => changeEverything(db));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.ok(changed.result !== undefined, 'the catalog was changed during the copy');
  await running.commit();
  await expectIdentical(pair);
});

test('documents of two collections that swap names just before they are read are not mixed up', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('catalog');
  for (const name of ['left', 'right']) await db.collection(name).insertMany(many(100, name));
  using swapped = onceAt('engine.copy.before-first-read', swap);
  async function swap(): Promise<void> {
    await db.renameCollection('left', 'between');
    await db.renameCollection('right', 'left');
    await db.renameCollection('between', 'right');
  }
  await syncOnce(pair);
  assert.ok(swapped.result !== undefined);
  await expectIdentical(pair);
});

test('a collection that is renamed while its copy is planned is copied by the next run', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('catalog');
  await db.collection('before').insertMany(many(100));
  using planning = holdAt('engine.copy.before-first-read');
  await using first = RunningMigration.start(pair);
  await planning.reached;
  await db.collection('before').rename('after');
  const records = pair.destination.client.db('linkspan_internal').collection('collections');
  await eventually(() => records.findOne({ destinationName: 'after' }), { what: 'the new name on record' });
  const stopped = first.stop();
  planning.release();
  assert.equal(await stopped, 'STOPPED');
  await syncOnce(pair, { migrationId: first.progress.migrationId });
  await expectIdentical(pair);
});

test('the record of a dropped collection is removed, even if that takes two attempts', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('catalog');
  for (const name of ['kept', 'dropped']) await db.collection(name).insertMany(many(10));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const data = { failCommands: ['delete'], namespace: 'linkspan_internal.collections', errorCode: 91 };
  await pair.destination.failCommand({ mode: { times: 1 }, data });
  await db.collection('dropped').drop();
  const records = pair.destination.client.db('linkspan_internal').collection('collections');
  await eventually(async () => (await records.countDocuments()) === 1, { what: 'one record to be removed' });
  await running.commit();
  await expectIdentical(pair);
});

for (const point of ['engine.copy.before-first-read', 'engine.copy.collection-copied']) {
  test(`a view that takes a collection's name at ${point} is not mistaken for the collection`, { skip }, async () => {
    await using pair = await startPair();
    const db = pair.source.client.db('catalog');
    await db.collection('orders').insertMany(many(100));
    const changed = Promise.withResolvers<void>();
    let step: 'before' | 'changing' | 'changed' | 'indexed' = 'before';
    // The stream waits here, because its next event would show the new name.
    using _held = onFailpoint('engine.capture.batch-dispatched', async () => {
      if (step === 'before') return;
      changed.resolve();
      await eventually(() => step === 'indexed', { what: 'the indexes', deadlineMs: 5_000 }).catch(() => undefined);
    });
    using _changed = onFailpoint(point, async () => {
      if (step !== 'before') return;
      step = 'changing';
      await changed.promise;
      await db.collection('orders').createIndex({ n: 1 });
      await db.renameCollection('orders', 'orders_old');
      await db.createCollection('orders', { viewOn: 'orders_old', pipeline: [] });
      step = 'changed';
    });
    using _indexed = onFailpoint('engine.copy.indexed', () => {
      step = 'indexed';
    });
    await syncOnce(pair);
    assert.equal(step, 'indexed');
    await expectIdentical(pair);
  });
}

// id: catalog-changes-between-runs
test('changes of the catalog between two runs end as on the source', { skip }, async () => {
  await using pair = await startPair();
  const db = await fill(pair);
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await first.stop();
  await changeEverything(db);
  await syncOnce(pair, { migrationId: first.progress.migrationId });
  await expectIdentical(pair);
});

// id: waits-for-unmigratable-namespace
test('a migration waits for a namespace that it cannot migrate, with its name, until users drop it', {
  skip,
}, async () => {
  await using pair = await startPair();
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const encryptedFields = { fields: [{ path: 'a', bsonType: 'string', keyId: new UUID() }] };
  await pair.source.client.db('catalog').command({ create: 'secret', encryptedFields });
  await running.until('the wait', ({ waiting }) => waiting.some(({ reason }) => reason.includes('catalog.secret')));
  assert.equal(running.progress.readyForCutover, false);
  await pair.source.client.db('catalog').collection('secret').drop();
  await running.commit();
  await expectIdentical(pair);
});

function many(count: number, text = 'x'): { n: number; text: string; at: Date }[] {
  return Array.from({ length: count }, (_, n) => ({ n, text: `${text} ${n}`, at: new Date() }));
}

// id: views-turn-round
test('views on each other may turn round, and get another collation', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  await db.collection('items').insertOne({ n: 1 });
  const view = (name: string, viewOn: string, locale: string) =>
    db.createCollection(name, { viewOn, pipeline: [], collation: { locale } });
  await view('a', 'b', 'en');
  await view('b', 'items', 'en');
  await view('c', 'd', 'en');
  await view('d', 'items', 'en');
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  for (const name of ['a', 'b', 'c', 'd']) await db.collection(name).drop();
  await view('a', 'b', 'fr');
  await view('b', 'items', 'fr');
  await view('d', 'c', 'en');
  await view('c', 'items', 'en');
  running.steering.resume();
  await running.commit();
  await expectIdentical(pair);
});

test('documents of collections that are not selected compare no catalogs', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  await db.collection('items').insertOne({ n: 1 });
  for (let n = 0; n < 20; n += 1) await db.createCollection(`other-${n}`);
  await using running = RunningMigration.start(pair, {
    filters: { include: [{ database: 'shop', collections: ['items'] }] },
  });
  await running.untilReady();
  let comparisons = 0;
  using _ = onFailpoint('engine.catalog.comparison-begun', () => {
    comparisons += 1;
  });
  for (let n = 0; n < 20; n += 1) await db.collection(`other-${n}`).insertOne({ n });
  await db.collection('other-0').rename('items-too');
  await db.collection('items').insertOne({ n: 2 });
  await eventually(() => pair.destination.client.db('shop').collection('items').findOne({ n: 2 }), {
    what: 'the change behind them',
  });
  assert.ok(comparisons <= 1, `${comparisons} comparisons`);
  await running.commit();
});
