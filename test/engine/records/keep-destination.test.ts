import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BSON, type Db, type MongoClient } from 'mongodb';
import { type MigrationOptions, preflight } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

const KEEP = { keepDestination: true };

const skip = needsSource('6.0', 'its stream does not show changes of the catalog, nor time series');

describe('a destination that keeps its data', { skip }, () => {
  let pair: ReplicaSetPair;
  let source: MongoClient;
  let destination: MongoClient;
  before(async () => {
    // With authentication, an engine could block it.
    pair = await startPair({ destination: { auth: true } });
    [source, destination] = [pair.source.client, pair.destination.client];
    await pair.destination.createUser('app', 'secret', ['readWriteAnyDatabase']);
  });
  after(() => pair[Symbol.asyncDispose]());
  checkForLeaks({ sockets: false });

  const fresh = async () => {
    await emptyPair(pair);
    for (const name of ['precious', 'shared']) await fillPrecious(destination.db(name));
    await source.db('shop').collection('orders').insertMany(numbered(500));
    await source.db('shop').createCollection('recent', { viewOn: 'orders', pipeline: [{ $limit: 3 }] });
    await source.db('shared').collection('new').insertMany(numbered(500));
    await source.db('shared').createCollection('new view', { viewOn: 'new', pipeline: [] });
    return await Promise.all(['precious', 'shared'].map((name) => stateOf(destination.db(name))));
  };
  const kept = async () =>
    await Promise.all([
      stateOf(destination.db('precious')),
      stateOf(destination.db('shared'), (name) => !name.startsWith('new')),
    ]);

  // id: kept-data-stays
  test('gets all changes up to the cutover, while others write to it, and keeps its own data', async () => {
    const state = await fresh();
    // The database of a dropped view remains.
    await destination.db('hollow').createCollection('view', { viewOn: 'nothing', pipeline: [] });
    await destination.db('hollow').collection('view').drop();
    await using running = RunningMigration.start(pair, KEEP);
    await running.untilReady();
    const app = pair.destination.uriFor('app', 'secret');
    await using user = await new (destination.constructor as typeof MongoClient)(app).connect();
    await user.db('precious').collection('written meanwhile').insertOne({ not: 'blocked' });
    await user.db('precious').collection('written meanwhile').drop();
    // A drop on the source drops the migration's own data. Views and databases of others stay.
    await source.db('shop').collection('recent').drop();
    await source.db('shared').createCollection('new too', { viewOn: 'new', pipeline: [] });
    await source.db('shared').collection('new view').drop();
    await source.db('precious').createCollection('new', { viewOn: 'nothing', pipeline: [] });
    await source.db('precious').dropDatabase();
    await source.db('hollow').createCollection('new', { viewOn: 'nothing', pipeline: [] });
    await source.db('hollow').dropDatabase();
    await source.db('shared').collection('new').insertOne({ late: true });
    await running.commit();
    assert.deepEqual(await kept(), state);
    assert.ok((await userDatabases(destination)).includes('hollow'), 'the migration keeps even an empty database');
    assert.deepEqual(await names(destination.db('shop')), ['orders']);
    const made = (await names(destination.db('shared'))).filter((name) => name.startsWith('new'));
    assert.deepEqual(made, ['new', 'new too']);
    assert.equal(await destination.db('shared').collection('new too').countDocuments(), 501);
    assert.ok(running.progress.warnings.some((warning) => warning.includes('keeps its data')));
  });

  test('loses only what the migration made when that is cancelled and dropped', async () => {
    const state = await fresh();
    await using running = RunningMigration.start(pair, KEEP);
    await running.untilReady();
    await running.steering.cancel(true);
    assert.deepEqual(await kept(), state);
    assert.deepEqual(await names(destination.db('shared')), await names(destination.db('precious')));
    assert.deepEqual(await names(destination.db('shop')), []);
  });

  // id: refuses-taken-names
  test('refuses a migration that would write a name it has, every one by name', async () => {
    const state = await fresh();
    const db = source.db('shared');
    await db.collection('old').insertOne({ collides: 'with a collection' });
    await db.collection('window').insertOne({ collides: 'with a view' });
    await db.createCollection('series', { timeseries: { timeField: 'at' } });
    await db.createCollection('capped', { viewOn: 'new', pipeline: [] });
    await source.db('PRECIOUS').collection('x').insertOne({});
    const options: MigrationOptions = {
      migrationId: newId(),
      source: { uri: pair.source.uri },
      destination: { uri: pair.destination.uri },
      dropDestination: true,
      ...KEEP,
      logger: silentLogger,
    };
    const findings = (await preflight(options)).filter(({ code }) => code === 'NAMESPACE_EXISTS');
    const messages = findings.map(({ message }) => message).join('\n');
    assert.equal(findings.length, 5, messages);
    for (const name of ['old', 'window', 'series', 'capped']) assert.ok(messages.includes(`shared.${name}`), name);
    assert.match(messages, /the database precious, which differs from PRECIOUS only by case/);
    await using running = RunningMigration.start(pair, KEEP);
    await assert.rejects(running.outcome, { code: 'NAMESPACE_EXISTS' });
    assert.deepEqual(await kept(), state, 'permission to drop makes no difference');
  });

  for (const [kind, appear] of [
    ['collection', (db: Db) => db.collection('window').insertOne({})],
    ['view', (db: Db) => db.createCollection('window', { viewOn: 'new', pipeline: [] })],
  ] as const) {
    test(`stops a migration with the name when a ${kind} of the source takes one of its names`, async () => {
      const state = await fresh();
      await using running = RunningMigration.start(pair, KEEP);
      await running.untilReady();
      await appear(source.db('shared'));
      await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shared\.window.*something else/ });
      assert.deepEqual(await kept(), state);
    });
  }

  test('is not taken for data that a killed engine had begun to create', async () => {
    await fresh();
    await using first = RunningMigration.start(pair, KEEP);
    await first.untilReady();
    await first.stop();
    const records = destination.db('linkspan_internal').collection('collections');
    await records.updateOne({ sourceName: 'orders' }, { $set: { destinationUuid: null, state: 'creating' } });
    await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId, ...KEEP });
    await assert.rejects(second.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.orders/ });
    assert.equal(await destination.db('shop').collection('orders').countDocuments(), 500);
    await using third = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
    await assert.rejects(third.outcome, { code: 'SELECTION_CHANGED' });
  });
});

async function fillPrecious(db: Db): Promise<void> {
  await db.collection('old').insertMany(numbered(50));
  await db.collection('old').createIndex({ n: 1 }, { unique: true });
  await db.createCollection('capped', { capped: true, size: 4_096 });
  await db.createCollection('window', { viewOn: 'old', pipeline: [] });
  await db.createCollection('series', { timeseries: { timeField: 'at' } });
}

/** Returns a database's content: every collection with its UUID, options, indexes and bytes. */
async function stateOf(db: Db, concerned = (_name: string) => true): Promise<unknown[]> {
  const listed = await db.listCollections().toArray();
  const entries = listed.filter(({ name }) => concerned(name) && name !== 'system.views');
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return await Promise.all(
    entries.map(async (entry) => {
      const stored = entry.type === 'collection' ? db.collection(entry.name) : undefined;
      const documents = (await stored?.find({}, { raw: true }).toArray()) ?? [];
      const bytes = documents.map((document) => Buffer.from(document as unknown as Uint8Array).toString('base64'));
      const indexes = (await stored?.listIndexes().toArray()) ?? [];
      return [BSON.EJSON.stringify(entry), indexes, bytes];
    }),
  );
}

async function names(db: Db): Promise<string[]> {
  const listed = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
  return listed.filter((name) => !name.startsWith('system.')).sort();
}

async function userDatabases(client: MongoClient): Promise<string[]> {
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => !['admin', 'config', 'local'].includes(name));
}
