import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanUpMigration, listMigrationLeftovers, Migration, newMigrationId } from '../../src/library/index.ts';
import { eventually } from '../support/eventually.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { startPair } from '../support/replica-set.ts';
import { emptyPair, numbered } from '../support/seeds.ts';
import { needsSource } from '../support/source-version.ts';

checkForLeaks({ sockets: false });

test('a program lists and removes what a migration left, and never the data of one that has cut over', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const [source, destination] = [{ uri: pair.source.uri }, { uri: pair.destination.uri }];
  const there = pair.destination.client.db('shop');
  const fill = async () => {
    await pair.source.client.db('shop').collection('items').insertMany(numbered(10));
    await pair.source.client.db('shop').collection('items').createIndex({ n: 1 }, { unique: true });
  };
  const begun = () => {
    const migrationId = newMigrationId();
    const migration = new Migration({ migrationId, source, destination });
    return { migrationId, migration, outcome: migration.run() };
  };

  await fill();
  await there.collection('own').insertOne({ kept: true });
  assert.deepEqual(await listMigrationLeftovers(destination), []);
  await there.dropDatabase();
  const cancelled = begun();
  await eventually(() => cancelled.migration.progress().readyForCutover, { what: 'the migration to be ready' });
  const { migrationId } = cancelled;
  await assert.rejects(cleanUpMigration({ destination, migrationId, drop: true }), { code: 'MIGRATION_RUNS' });
  await cancelled.migration.cancel();
  assert.equal(await cancelled.outcome, 'CANCELLED');
  await there.collection('own').insertOne({ kept: true });
  const [left, ...others] = await listMigrationLeftovers(destination);
  assert.deepEqual(others, []);
  assert.deepEqual(left, {
    migrationId,
    state: 'CANCELLED',
    collections: ['shop.items'],
    views: [],
    weakenedIndexes: ['shop.items: n_1 (unique)'],
    users: [],
    roles: [],
    blocked: false,
    sourceBlocked: false,
    failbackOpen: false,
  });
  assert.deepEqual(await cleanUpMigration({ destination, migrationId, drop: true, dryRun: true }), left);
  assert.equal(await there.collection('items').countDocuments(), 10);
  assert.deepEqual(await cleanUpMigration({ destination, migrationId, drop: true }), left);
  assert.deepEqual(
    (await there.listCollections().toArray()).map(({ name }) => name),
    ['own'],
  );
  await assert.rejects(cleanUpMigration({ destination, migrationId }), { code: 'NO_SUCH_MIGRATION' });

  await emptyPair(pair);
  await fill();
  const committed = begun();
  committed.migration.cutOverOnceReady();
  assert.equal(await committed.outcome, 'COMMITTED');
  const options = { destination, migrationId: committed.migrationId };
  await assert.rejects(cleanUpMigration({ ...options, drop: true }), { code: 'COMMITTED_DATA' });
  await cleanUpMigration(options);
  assert.equal(await there.collection('items').countDocuments(), 10);
  assert.deepEqual(await listMigrationLeftovers(destination), []);
});
