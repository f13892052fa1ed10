import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MongoClient } from 'mongodb';
import type { NamespaceFilters } from '../../../src/engine/index.ts';
import { Selection } from '../../../src/engine/scope/selection.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { emptyPair, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

// id: include-then-exclude
test('filters select as mongosync describes it: include first, then exclude removes', () => {
  const has = (filters: NamespaceFilters, name: string) => {
    const [database = '', collection = ''] = name.split('/');
    return new Selection(filters).has(database, collection);
  };
  assert.equal(has({}, 'any/thing'), true);
  assert.equal(has({ include: [{ database: 'a' }] }, 'a/x'), true);
  assert.equal(has({ include: [{ database: 'a' }] }, 'ab/x'), false);
  assert.equal(has({ include: [{ database: 'a', collections: ['x', 'y'] }] }, 'a/z'), false);
  assert.equal(has({ include: [{ databaseRegex: { pattern: '^SH', options: 'i' } }] }, 'shop/x'), true);
  assert.equal(has({ include: [{ database: 'a', collectionsRegex: { pattern: '\\d$' } }] }, 'a/x1'), true);
  assert.equal(has({ include: [{ database: 'a' }], exclude: [{ database: 'a', collections: ['x'] }] }, 'a/x'), false);
  assert.equal(has({ exclude: [{ database: 'a' }] }, 'b/x'), true);
  assert.equal(has({ include: [{ database: 'a', collections: ['t'] }] }, 'a/system.buckets.t'), true);
  for (const item of [{}, { database: 'a', databaseRegex: { pattern: 'a' } }, { databaseRegex: { pattern: '(' } }]) {
    assert.throws(() => new Selection({ include: [item] }), { code: 'INVALID_FILTER' });
  }
});

// id: only-selection-moved
test('only what is selected is moved, and no one else is kept from writing', async () => {
  await using pair = await startPair();
  const { client } = pair.source;
  await fill(client);
  const filters = { include: [{ database: 'shop' }], exclude: [{ database: 'shop', collections: ['logs'] }] };
  await using running = RunningMigration.start(pair, { filters });
  await running.untilReady();
  await client.db('shop').collection('orders').insertOne({ late: true });
  await client.db('shop').collection('logs').insertOne({ late: true });
  await client.db('other').collection('things').insertOne({ late: true });
  await running.commit();
  const { destination } = pair;
  const databases = (await destination.client.db().admin().listDatabases({ nameOnly: true })).databases.map(
    ({ name }) => name,
  );
  assert.deepEqual(
    databases.filter((name) => ['shop', 'other'].includes(name)),
    ['shop'],
  );
  const names = (await destination.client.db('shop').listCollections().toArray()).map(({ name }) => name);
  assert.deepEqual(names, ['orders']);
  assert.equal(await destination.client.db('shop').collection('orders').countDocuments(), 11);
  await client.db('other').collection('things').insertOne({ after: 'the cutover' });
});

describe('a migration that does not cut over', () => {
  let pair: ReplicaSetPair;
  before(async () => {
    pair = await startPair();
  });
  after(() => pair[Symbol.asyncDispose]());

  test('a collection that is renamed out of the selection stops the migration with its name', {
    skip: needsSource('6.0', 'any rename stops its migration'),
  }, async () => {
    await emptyPair(pair);
    await fill(pair.source.client);
    await using running = RunningMigration.start(pair, {
      filters: { include: [{ database: 'shop', collections: ['orders'] }] },
    });
    await running.untilReady();
    await pair.source.client.db('shop').collection('orders').rename('archive');
    await assert.rejects(running.outcome, { code: 'NAMESPACE_CONFLICT', message: /shop\.orders.*archive/ });
    assert.equal(
      await pair.destination.client.db('shop').collection('orders').countDocuments(),
      10,
      'nothing was dropped',
    );
  });

  test('a misspelt name in a filter is refused before the first byte', async () => {
    await emptyPair(pair);
    await fill(pair.source.client);
    const filters = { include: [{ database: 'shop', collections: ['orders', 'log'] }] };
    await using running = RunningMigration.start(pair, { filters });
    await assert.rejects(running.outcome, { code: 'FILTER_MATCHES_NOTHING', message: /`shop\.log`/ });
    const { client } = pair.destination;
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    assert.ok(databases.every(({ name }) => name !== 'shop'));
    assert.equal(await client.db('linkspan_internal').collection('migrations').countDocuments(), 0);
  });

  test('a migration does not resume with other filters than it began with', async () => {
    await emptyPair(pair);
    await fill(pair.source.client);
    await using first = RunningMigration.start(pair, { filters: { include: [{ database: 'shop' }] } });
    await first.untilReady();
    await first.stop();
    await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
    await assert.rejects(second.outcome, { code: 'SELECTION_CHANGED' });
  });
});

test('a selected collection that the source drops does not keep its migration from being resumed', {
  skip: needsSource('6.0', 'the catalog has to stand still'),
}, async () => {
  await using pair = await startPair();
  await fill(pair.source.client);
  const filters = { include: [{ database: 'shop', collections: ['orders', 'logs'] }] };
  await using first = RunningMigration.start(pair, { filters });
  await first.untilReady();
  await first.stop();
  await pair.source.client.db('shop').collection('logs').drop();
  await syncOnce(pair, { filters, migrationId: first.progress.migrationId });
  const names = (await pair.destination.client.db('shop').listCollections().toArray()).map(({ name }) => name);
  assert.deepEqual(names, ['orders']);
});

test('a pattern selects what is created later, as the error for a missing name says', {
  skip: needsSource('6.0', 'a new collection stops its migration'),
}, async () => {
  await using pair = await startPair();
  await fill(pair.source.client);
  const filters = {
    include: [
      { database: 'shop', collections: ['orders'] },
      { database: 'shop', collectionsRegex: { pattern: '^later$' } },
      { databaseRegex: { pattern: '^new$' } },
    ],
  };
  await using running = RunningMigration.start(pair, { filters });
  await running.untilReady();
  await pair.source.client.db('shop').collection('later').insertOne({ n: 1 });
  await pair.source.client.db('shop').collection('later2').insertOne({ n: 1 });
  await pair.source.client.db('new').collection('things').insertOne({ n: 1 });
  await running.commit();
  const { client } = pair.destination;
  const names = (await client.db('shop').listCollections().toArray()).map(({ name }) => name);
  assert.deepEqual(names.sort(), ['later', 'orders']);
  assert.equal(await client.db('new').collection('things').countDocuments(), 1);
});

async function fill(client: MongoClient): Promise<void> {
  for (const [database, name] of [
    ['shop', 'orders'],
    ['shop', 'logs'],
    ['other', 'things'],
  ] as const) {
    await client.db(database).collection(name).insertMany(numbered(10));
  }
}
