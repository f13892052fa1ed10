import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Db, Long } from 'mongodb';
import { newId } from '../../src/platform/index.ts';
import { compareClusters } from '../support/compare-clusters.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { rollOplog, smallOplog } from '../support/roll-oplog.ts';
import { allowWrites } from '../support/source-version.ts';
import { RunningMigration } from './running-migration.ts';

checkForLeaks({ sockets: false });

test('what was missed while the oplog went round is repaired, and nothing else is written', async () => {
  await using pair = await startPair({ source: smallOplog });
  const db = pair.source.client.db('shop');
  await fill(db);
  const options = {
    migrationId: newId(),
    documentFilters: [{ database: 'shop', collection: 'selected', filter: { kept: true } }],
  };
  await using first = RunningMigration.start(pair, options);
  await first.untilReady();
  await first.stop();
  const before = first.progress.changes.applied;
  const { differing, compared } = await changeEverything(db);
  await rollOplog(pair.source);

  await using second = RunningMigration.start(pair, options);
  await second.untilReady();
  const { repairs, changes } = second.progress;
  assert.equal(repairs?.declared, 1);
  assert.equal(repairs.collectionsDone, repairs.collections);
  assert.equal(repairs.documentsCompared, compared);
  assert.equal(repairs.keysDiffered, differing);
  assert.equal(changes.applied - before, differing);
  await second.commit();
  await allowWrites(pair.source.client);
  const { differences } = await compareClusters(pair.source.client, pair.destination.client, {
    selects: (namespace, { kept }) => namespace !== 'shop.selected' || kept === true,
  });
  assert.deepEqual(differences, []);
  const [left, right] = await Promise.all([pair.source, pair.destination].map((set) => order(set.client.db('shop'))));
  assert.deepEqual(right, left);
});

async function fill(db: Db): Promise<void> {
  const documents = (count: number) => Array.from({ length: count }, (_, n) => ({ n, text: 'x'.repeat(1_000) }));
  await db.collection('items').insertMany(documents(6_000));
  await db.collection('untouched').insertMany(documents(500));
  for (const name of ['gone', 'old', 'recreated']) await db.collection(name).insertMany(documents(10));
  await db.collection('selected').insertMany(documents(100).map((one) => ({ ...one, kept: one.n % 2 === 0 })));
  await db.collection('ids').insertMany([1, 2, 3, '1', '2', true].map((_id) => ({ _id, n: 0 })) as object[]);
  const collation = { locale: 'en', strength: 2 };
  await db.createCollection('collated', { collation });
  await db.collection('collated').insertMany(['a', 'b', 'c'].map((_id) => ({ _id, n: 0 })) as object[]);
  await db.createCollection('clustered', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  await db.collection('clustered').insertMany(documents(50));
  await db.createCollection('weather', { timeseries: { timeField: 'at', metaField: 'place' } });
  await measure(db, 0, 100);
  await db.createCollection('log', { capped: true, size: 1_000_000, max: 100 });
  await db.collection('log').insertMany(documents(80));
}

async function changeEverything(db: Db): Promise<{ differing: number; compared: number }> {
  const items = db.collection('items');
  await items.updateMany({ n: { $lt: 7 } }, { $set: { n: -1 } });
  await items.deleteMany({ n: { $gte: 5_900 } });
  await items.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  await items.createIndex({ n: 1, text: 1 });
  await db.collection('selected').updateMany({ n: { $in: [0, 2, 4] } }, { $set: { kept: false } });
  await db.collection('selected').updateOne({ n: 1 }, { $set: { kept: true } });
  await db.collection<{ _id: number }>('ids').deleteOne({ _id: 1 });
  await db.collection<{ _id: Long }>('ids').insertOne({ _id: Long.fromNumber(1) });
  const collated = db.collection<{ _id: string }>('collated');
  await collated.deleteOne({ _id: 'a' });
  await collated.insertOne({ _id: 'A' });
  await db.collection('clustered').deleteOne({ n: 0 });
  await measure(db, 100, 10);
  await db.collection('log').insertMany(Array.from({ length: 60 }, (_, n) => ({ later: n })));
  await db.collection('gone').drop();
  await db.collection('old').rename('new');
  await db.collection('recreated').drop();
  await db.collection('recreated').insertMany([{ again: true }]);
  await db.collection('added').insertOne({ n: 1 });
  const count = async (name: string) => db.collection(name).countDocuments();
  const whole = ['items', 'untouched', 'new', 'ids', 'collated', 'clustered', 'system.buckets.weather'];
  const counts = await Promise.all([...whole.map(count), db.collection('selected').countDocuments({ kept: true })]);
  return {
    compared: counts.reduce((sum, one) => sum + one, 0),
    // Of `items`, `selected`, `ids`, `collated`, `clustered`, and a bucket for each of five places.
    differing: 7 + 100 + 3 + (3 + 1) + 2 + 2 + 1 + 5,
  };
}

async function measure(db: Db, from: number, count: number): Promise<void> {
  const documents = Array.from({ length: count }, (_, n) => ({
    at: new Date(1_700_000_000_000 + (from + n) * 1_000),
    place: `p${n % 5}`,
    n,
  }));
  await db.collection('weather').insertMany(documents);
}

async function order(db: Db): Promise<unknown[]> {
  const found = await db
    .collection('log')
    .find({}, { hint: { $natural: 1 } })
    .toArray();
  return found.map(({ n, later }) => [n, later]);
}
