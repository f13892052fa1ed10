import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'its stream does not show changes of the catalog');

for (const point of ['engine.indexes.recorded', 'engine.copy.indexed', 'engine.copy.drained']) {
  test(`an index that is created when a collection has reached ${point} is migrated`, { skip }, async () => {
    await using pair = await startPair();
    const items = pair.source.client.db('shop').collection('items');
    await items.insertMany([{ n: 1 }, { n: 2 }]);
    let dispatched = 0;
    using _counted = onFailpoint('engine.capture.batch-dispatched', () => {
      dispatched += 1;
    });
    const makeIndex = async () => {
      await items.createIndex({ n: 1 });
      const seen = dispatched;
      await eventually(() => dispatched > seen + 2, { what: 'the stream to pass the index' });
    };
    using made = onceAt(point, makeIndex);
    await syncOnce(pair);
    assert.ok(made.result !== undefined, `${point} was reached`);
    await expectIdentical(pair);
  });
}

test('dropping a database with its last view leaves nothing on the destination', { skip }, async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  await client.db('shop').collection('items').insertOne({ n: 1 });
  await client.db('views').createCollection('view', { viewOn: 'nothing', pipeline: [] });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await client.db('views').dropDatabase();
  await running.commit();
  await expectIdentical(pair);
});

test('a document that only a dropped index would have rejected is migrated, both from a lane and from the spool', {
  skip,
}, async (t) => {
  await using pair = await startPair();
  for (const point of ['engine.copy.indexed', 'engine.apply.batch-taken']) {
    await t.test(`dropped at ${point}`, async () => {
      await emptyPair(pair);
      const items = pair.source.client.db('shop').collection<{ _id: number; at: unknown; n?: number }>('items');
      await items.insertOne({ _id: 1, at: [1, 1] });
      await items.createIndex({ at: '2dsphere' });
      const changeBoth = async () => {
        await items.updateOne({ _id: 1 }, { $set: { n: 1 } });
        await items.dropIndex('at_2dsphere');
        await items.updateOne({ _id: 1 }, { $set: { at: 'nowhere' } });
      };
      using changed = onceAt(point, changeBoth);
      await using running = RunningMigration.start(pair);
      if (point !== 'engine.copy.indexed') {
        await running.untilReady();
        await items.updateOne({ _id: 1 }, { $set: { n: 2 } });
      }
      await running.commit();
      assert.ok(changed.result !== undefined, `${point} was reached`);
      await expectIdentical(pair);
    });
  }
});

// id: failed-index-build
test('a failed index build of the source leaves nothing behind', { skip }, async () => {
  await using pair = await startPair();
  const admin = pair.source.client.db('admin');
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany([{ n: [1] }, { n: [1] }]);
  await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'alwaysOn' });
  const failing = assert.rejects(items.createIndex({ n: 1 }, { unique: true }));
  await eventually(async () => (await items.listIndexes().toArray()).length === 2, { what: 'the build to begin' });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'off' });
  await failing;
  await running.commit();
  await expectIdentical(pair);
});

test('a migration that fails while indexes are being built ends', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany([{ n: 1 }, { n: 2 }]);
  await items.createIndex({ n: 1 });
  const lost = { failCommands: ['getMore'], errorCode: 2, appName: 'linkspan-source' };
  const failed = Promise.withResolvers<void>();
  using _ = onFailpoint('engine.indexes.recorded', async () => {
    await pair.source.failCommand({ mode: 'alwaysOn', data: lost });
    // After the stream has ended, the engine dispatches no more events.
    const hit = { waitForFailPoint: 'failCommand', timesEntered: 1, maxTimeMS: 10_000 };
    await pair.source.client.db('admin').command(hit);
    failed.resolve();
  });
  await using running = RunningMigration.start(pair);
  await failed.promise;
  await assert.rejects(running.outcome, { code: 'INTERNAL_ERROR' });
});

// id: index-built-during-rename
test('an index that is built while its collection is renamed is migrated, and creates no other collection', {
  skip,
}, async () => {
  await using pair = await startPair();
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertMany([{ n: 1 }, { n: 2 }]);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const rename = async () => {
    await shop.collection('items').rename('things');
    const there = pair.destination.client.db('shop').listCollections({ name: 'things' });
    await eventually(async () => (await there.clone().toArray()).length === 1, { what: 'the rename to be migrated' });
  };
  using renamed = onceAt('engine.indexes.compared', rename);
  await shop.collection('items').createIndex({ n: 1 });
  await running.commit();
  assert.ok(renamed.result !== undefined, 'no index was built');
  await expectIdentical(pair);
});

// id: left-index-build-ended
test('an index build that a killed engine has left, and that the source does not want, is ended', {
  skip,
}, async () => {
  await using pair = await startPair();
  await pair.source.client
    .db('shop')
    .collection('items')
    .insertMany([{ n: 1 }, { n: 2 }]);
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await first.stop();
  const admin = pair.destination.client.db('admin');
  const hang = { configureFailPoint: 'hangAfterStartingIndexBuild' };
  await admin.command({ ...hang, mode: 'alwaysOn' });
  const items = pair.destination.client.db('shop').collection('items');
  const build = items.createIndexes([{ key: { n: 1 } }, { key: { m: 1 } }]).catch((error: unknown) => error);
  const isBuilding = async () => (await items.listIndexes({ includeBuildUUIDs: true } as never).toArray()).length === 3;
  await eventually(isBuilding, { what: 'the build to begin' });
  using ended = onceAt('engine.change.dropIndexes', async () => {
    await admin.command({ ...hang, mode: 'off' });
  });
  await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
  await eventually(() => ended.result !== undefined, { what: 'the engine to end the build' });
  await build;
  await second.commit();
  await expectIdentical(pair);
});

test('a new collection has the indexes of no other listed, and every event of an index has those of its own', {
  skip,
}, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('tenants');
  await Promise.all(Array.from({ length: 40 }, (_, n) => db.createCollection(`old${n}`)));
  await db.createCollection('measured', { timeseries: { timeField: 'at', metaField: 'of' } });
  await using running = RunningMigration.start(pair, { verification: 'OFF' });
  await running.untilReady();
  const listings = async () => {
    const [there, here] = await Promise.all(
      [pair.source, pair.destination].map(({ client }) => client.db('admin').command({ serverStatus: 1 })),
    );
    return [there, here].map((status) => Number(status?.metrics.commands.listIndexes.total));
  };
  const before = await listings();
  for (let n = 0; n < 5; n += 1) {
    await db.createCollection(`new${n}`);
    await eventually(
      () => running.migration.current.collections()?.some(({ namespace }) => namespace === `tenants.new${n}`),
      {
        what: `new${n} to be migrated`,
      },
    );
  }
  await running.untilReady();
  const made = (await listings()).map((count, side) => count - (before[side] ?? 0));
  assert.ok(
    made.every((count) => count <= 20),
    `${made} listings for 5 collections`,
  );
  await db.collection('old1').createIndex({ n: 1 }, { expireAfterSeconds: 9_000 });
  await db.collection('old2').createIndex({ n: 1 });
  await db.collection('measured').createIndex({ of: 1, at: -1 });
  await db.collection('old2').dropIndex('n_1');
  await db.command({ collMod: 'old1', index: { name: 'n_1', expireAfterSeconds: 10_000 } });
  await db.collection('old3').rename('renamed');
  await db.collection('renamed').createIndex({ m: 1 });
  await running.commit();
  await expectIdentical(pair);
});
