import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSONRegExp, type Db, type Document } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { needsSource, startPairWithOldSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'its stream does not show changes of the catalog');

/** Names of the greatest length, and names that a shell, a path or a pattern would misread. */
const ODD_NAMES = [
  'with space',
  'a.b.c',
  '^.*',
  '-rf',
  'ключ',
  'quote"s\'',
  '%2e',
  'linkspan.moving.x',
  'n'.repeat(200),
];

const OPTIONS: Readonly<Record<string, Document>> = {
  plain: {},
  'pre-images': { changeStreamPreAndPostImages: { enabled: true } },
  'with a validator': { validator: { n: { $lt: 0 } } },
  'that only warns': { validator: { $jsonSchema: { required: ['absent'] } }, validationAction: 'warn' },
  'with a collation': { collation: { locale: 'de', strength: 1 } },
  clustered: { clusteredIndex: { key: { _id: 1 }, unique: true, name: 'by key' } },
  'with storage options': { storageEngine: { wiredTiger: { configString: 'block_compressor=zlib' } } },
  'with index options': {
    indexOptionDefaults: { storageEngine: { wiredTiger: { configString: 'prefix_compression=false' } } },
  },
};

// id: every-kind-of-collection
test('collections of every kind are migrated, empty or not, with documents that their own validator rejects', {
  skip: needsSource('6.0', 'it has not all of these kinds'),
}, async () => {
  await using pair = await startPair();
  const fillAll = async (db: Db) => {
    for (const [name, options] of Object.entries(OPTIONS)) {
      await db.createCollection(`${name}, empty`, options);
      await db.createCollection(name, options);
      await fill(db, name, 0);
    }
  };
  const before = pair.source.client.db('kinds-before');
  await fillAll(before);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await fillAll(pair.source.client.db('kinds-after'));
  for (const name of Object.keys(OPTIONS)) await fill(before, name, 100);
  await running.commit();
  await expectIdentical(pair);
});

// id: odd-names
test('odd names of collections, databases and indexes are migrated', { skip }, async () => {
  await using pair = await startPair();
  const [early, late] = ['Ünï-cödé', '0!#%&()+,;=@[]^_`{}~'].map((name) => pair.source.client.db(name));
  assert.ok(early && late);
  for (const name of ODD_NAMES) await fill(early, name, 0);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  for (const name of ODD_NAMES) {
    await fill(late, name, 0);
    await early.collection(name).createIndex({ n: 1 }, { name: `${name.slice(0, 50)} $ "index"` });
    await fill(early, name, 100);
  }
  await running.commit();
  await expectIdentical(pair);
});

// id: views-migrated
test('views are migrated: on views, on nothing, and on what is created later', { skip }, async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('views');
  await fill(db, 'items', 0);
  await db.createCollection('of nothing', { viewOn: 'absent', pipeline: [{ $match: { n: 1 } }] });
  await db.createCollection('of a view', { viewOn: 'first', pipeline: [{ $limit: 2 }] });
  await db.createCollection('first', { viewOn: 'items', pipeline: [] });
  await db.createCollection('with a collation', { viewOn: 'items', pipeline: [], collation: { locale: 'fr' } });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await db.createCollection('later', { viewOn: 'made later', pipeline: [{ $unionWith: 'items' }] });
  await fill(db, 'made later', 0);
  await db.collection('items').drop();
  await db.command({ collMod: 'of nothing', viewOn: 'made later', pipeline: [] });
  await running.commit();
  await expectIdentical(pair);
  assert.equal((await pair.destination.client.db('views').collection('of nothing').find().toArray()).length, 5);
});

test('regular expressions that JavaScript rejects are migrated, in views, validators and keys', async () => {
  await using pair = await startPair();
  const db = pair.source.client.db('shop');
  const regex = new BSONRegExp('(?i)^abc', 'x');
  await db.createCollection('checked', { validator: { text: regex } });
  await db.createCollection('view', { viewOn: 'checked', pipeline: [{ $match: { text: regex } }] });
  await db.collection('checked').insertOne({ _id: { regex } as never, text: 'ABC' });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  const view = needsSource('6.0', 'the catalog has to stand still') ? 'view' : 'view made later';
  if (view !== 'view') await db.createCollection(view, { viewOn: 'checked', pipeline: [{ $match: { text: regex } }] });
  await db.collection('checked').insertOne({ _id: { later: regex } as never, text: 'abcd' });
  await running.commit();
  await expectIdentical(pair);
  assert.equal(await pair.destination.client.db('shop').collection(view).countDocuments(), 2);
});

test('a validator with a regular expression that JavaScript rejects does not stop the migration of a source before 6.0', async () => {
  await using pair = await startPairWithOldSource();
  const checked = await pair.source.client
    .db('shop')
    .createCollection('checked', { validator: { text: new BSONRegExp('(?i)^abc', 'x') } });
  await checked.insertOne({ text: 'ABC' });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await checked.insertOne({ text: 'abcd' });
  await running.commit();
  await expectIdentical(pair);
});

// id: expires-no-sooner
test('a document that expires on the source expires on the destination, and no sooner', async () => {
  const setParameters = { ttlMonitorSleepSecs: 1 };
  await using pair = await startPair({ source: { setParameters }, destination: { setParameters } });
  const db = pair.source.client.db('expiring');
  await letExpire(pair.source, false);
  await db.collection('indexed').createIndex({ at: 1 }, { expireAfterSeconds: 1 });
  const names = needsSource('6.0', 'it has no clustered collections') ? ['indexed'] : ['indexed', 'clustered'];
  const expiring = { clusteredIndex: { key: { _id: 1 }, unique: true }, expireAfterSeconds: 1 };
  await db.createCollection('clustered', names.includes('clustered') ? expiring : {});
  // Half of them in 1911: longer ago than the longest expiry there is.
  const longAgo = (n: number) => new Date(n % 2 === 0 ? n : n - 1_861_920_000_000);
  await db.collection('indexed').insertMany(Array.from({ length: 50 }, (_, n) => ({ at: longAgo(n) })));
  await db
    .collection<{ _id: Date }>('clustered')
    .insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: longAgo(n) })));
  await using running = RunningMigration.start(pair);
  await running.untilReady();

  const copied = pair.destination.client.db('expiring');
  const passes = await ttlPasses(pair.destination);
  await eventually(async () => (await ttlPasses(pair.destination)) > passes + 1, { what: 'the destination to look' });
  for (const name of names) assert.equal(await copied.collection(name).countDocuments(), 50, name);

  await letExpire(pair.source, true);
  for (const name of names) {
    // 6.0.27 keeps documents of a clustered collection from before 1970, and 6.0.5 doesn't (tried).
    const keepsOld = name === 'clustered' && (await db.admin().buildInfo()).version === '6.0.27';
    const expired = keepsOld ? { _id: { $gte: new Date(0) as never } } : {};
    const isGone = async () => (await db.collection(name).countDocuments(expired)) === 0;
    await eventually(isGone, { what: `${name} to expire` });
  }
  await running.commit();
  await expectIdentical(pair);
});

async function fill(db: Db, name: string, from: number): Promise<void> {
  const documents = Array.from({ length: 5 }, (_, n) => ({ _id: from + n, n }));
  await db.collection<{ _id: number; n: number }>(name).insertMany(documents, { bypassDocumentValidation: true });
}

async function letExpire(set: ReplicaSet, ttlMonitorEnabled: boolean): Promise<void> {
  await set.client.db('admin').command({ setParameter: 1, ttlMonitorEnabled });
}

async function ttlPasses(set: ReplicaSet): Promise<number> {
  const { metrics } = await set.client.db('admin').command({ serverStatus: 1 });
  return Number(metrics.ttl.passes);
}
