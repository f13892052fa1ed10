import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Db, Timestamp } from 'mongodb';
import { databaseExists, listCollections } from '../../../src/engine/catalog/read-catalog.ts';
import { newId } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES, leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { startPair, startReplicaSet } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const unseen = needsSource('6.0', 'their changes are not in its stream');

// id: capped-keeps-order
test('a capped collection keeps its order and its limits while it goes round', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('special');
  await db.createCollection('full', { capped: true, size: 200_000, max: 500 });
  await db.createCollection('half', { capped: true, size: 1_000_000 });
  await append(db, 'full', 0, 700);
  await append(db, 'half', 0, 300);
  using _ = onceAt('engine.copy.batch-acknowledged', () =>
    append(db, 'full', 700, 1_000).then(() => append(db, 'half', 300, 400)),
  );
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await append(db, 'full', 1_000, 1_400);
  await append(db, 'half', 400, 500);
  await db.collection('half').updateMany({ n: { $lt: 50 } }, { $set: { text: 'y'.repeat(100) } });
  if (!needsSource('6.0', 'nothing can be deleted from a capped collection, and its limits are fixed')) {
    await db.collection('half').deleteMany({ n: { $gt: 450 } });
    await db.command({ collMod: 'half', cappedSize: 2_000_000 });
  }
  await running.commit();
  await expectIdentical(pair);
  for (const name of ['full', 'half']) {
    const [left, right] = await Promise.all(
      [pair.source, pair.destination].map((set) => naturalOrder(set.client.db('special'), name)),
    );
    assert.deepEqual(right, left, `the order of ${name}`);
  }
});

test('what is appended to a capped collection while its spool is drained keeps its place', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('special');
  await db.createCollection('log', { capped: true, size: 10_000_000 });
  const log = db.collection<{ _id: number }>('log');
  let next = 0;
  const append = async (count: number) => {
    await log.insertMany(Array.from({ length: count }, () => ({ _id: next++ })));
  };
  await append(10);
  using indexed = holdAt('engine.copy.indexed');
  using taken = holdAt('engine.apply.batch-taken');
  await using running = RunningMigration.start(pair);
  await indexed.reached;
  await append(25_000); // The lanes cannot take all of them at once, so some are still spooled when the next ones come.
  await running.until('all to be spooled', ({ changes }) => changes.read >= 25_000);
  indexed.release();
  await taken.reached;
  await append(10);
  await running.until('the next to be read', ({ changes }) => changes.read >= 25_010);
  taken.release();
  await running.untilReady();
  const copied = pair.destination.client.db('special');
  assert.deepEqual(await naturalOrder(copied, 'log', '_id'), await naturalOrder(db, 'log', '_id'), 'before the pause');
  await append(10);
  await running.commit();
  assert.deepEqual(await naturalOrder(copied, 'log', '_id'), await naturalOrder(db, 'log', '_id'), 'at the end');
});

// id: time-series-with-arrivals
test('a time series is migrated, with measurements that arrive meanwhile', {
  skip: unseen,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const users = await leastPrivilegeUsers(pair);
  const db = pair.source.client.db('special');
  await db.createCollection('weather', {
    timeseries: { timeField: 'at', metaField: 'place', granularity: 'minutes' },
    expireAfterSeconds: 100_000_000,
  });
  await db.collection('weather').createIndex({ 'place.city': 1, at: 1 });
  await measure(db, 'weather', 2_000);
  await db.createCollection('dropped', { timeseries: { timeField: 'at' } });
  using _ = onceAt('engine.copy.batch-acknowledged', () => measure(db, 'weather', 500));
  await using running = RunningMigration.start(users);
  await running.untilReady();
  await measure(db, 'weather', 500);
  await db.createCollection('later', { timeseries: { timeField: 'at' } });
  await measure(db, 'later', 100);
  await db.dropCollection('dropped');
  await db.collection('weather').createIndex({ at: -1, 'place.city': 1 });
  await db.collection('weather').dropIndex('place.city_1_at_1');
  await db.collection('weather').deleteMany({ 'place.city': 'c1' });
  await db.command({ collMod: 'weather', timeseries: { granularity: 'hours' } });
  await running.commit();
  await expectIdentical(pair);
  const [left, right] = await Promise.all(
    [pair.source, pair.destination].map((set) => set.client.db('special').collection('weather').countDocuments()),
  );
  assert.equal(right, left);
  assert.ok((left ?? 0) > 2_000);
});

test('the buckets of a time series that does not exist, as while it is created or dropped, are ignored', async () => {
  await using set = await startReplicaSet();
  const db = set.client.db('plant');
  await db.createCollection('measurements', { timeseries: { timeField: 'at' } });
  await db.command({ create: 'system.buckets.others', clusteredIndex: true, timeseries: { timeField: 'at' } });
  const seen = (await listCollections(set.client, 'plant')).map(({ name }) => name);
  assert.deepEqual(seen, ['system.buckets.measurements']);
});

// id: without-role-restore
test('stored functions and time series are migrated by a user without the role restore', {
  skip: unseen,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { client } = pair.source;
  const of = (database: string) => client.db(database).collection<{ _id: string; value: string }>('system.js');
  for (const database of ['special', 'remade', 'dropped']) {
    await of(database).insertMany([
      { _id: 'a', value: 'f' },
      { _id: 'b', value: 'g' },
    ]);
  }
  await client.db('special').createCollection('weather', { timeseries: { timeField: 'at' } });
  await client.db('special').collection('weather').insertOne({ at: new Date() });
  const { source } = await leastPrivilegeUsers(pair);
  // As the control plane's users for migrations.
  await pair.destination.createUser(
    'migrates',
    'secret',
    LEAST_ROLES.destination.filter((role) => role !== 'restore'),
  );
  const destination = { uri: pair.destination.uriFor('migrates', 'secret') };
  const migrationId = newId();
  await using first = RunningMigration.start({ source, destination }, { migrationId });
  await first.untilReady();
  await of('special').updateOne({ _id: 'a' }, { $set: { value: 'changed' } });
  await of('special').deleteOne({ _id: 'b' });
  await client.db('special').collection('weather').insertOne({ at: new Date() });
  // Servers drop this collection only with its database.
  await client.db('dropped').dropDatabase();
  await eventually(async () => !(await databaseExists(pair.destination.client, 'dropped')), {
    what: 'the drop on the destination',
  });
  await first.stop();
  await client.db('remade').dropDatabase();
  await of('remade').insertOne({ _id: 'c', value: 'h' });
  await using second = RunningMigration.start({ source, destination }, { migrationId });
  await second.commit();
  await expectIdentical(pair);
});

async function append(db: Db, name: string, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 20) {
    const batch = Array.from({ length: Math.min(20, to - n) }, (_, index) => ({ n: n + index, text: 'x'.repeat(100) }));
    await db.collection(name).insertMany(batch);
  }
  // One that only an exact write keeps, in the middle of the others.
  await db.command({
    update: name,
    updates: [{ q: { n: to }, u: [{ $replaceWith: { $literal: { n: to, t: new Timestamp(0n) } } }], upsert: true }],
  });
}

async function naturalOrder(db: Db, name: string, field = 'n'): Promise<unknown[]> {
  return await db
    .collection(name)
    .find({}, { hint: { $natural: 1 } })
    .map((document) => document[field])
    .toArray();
}

const FIRST_MEASURED_MS = 1_700_000_000_000;
let measured = 0;
async function measure(db: Db, name: string, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, n) => ({
    at: new Date(FIRST_MEASURED_MS + (measured + n) * 7_000),
    place: { city: `c${n % 5}` },
    degrees: n,
  }));
  measured += count;
  await db.collection(name).insertMany(documents);
}
