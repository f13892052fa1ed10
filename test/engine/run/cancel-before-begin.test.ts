import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReversibleMigration, Steering } from '../../../src/engine/index.ts';
import { newId, silentLogger } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('a migration that is cancelled before it began ends cancelled, whatever preflight would find, and writes nothing', async () => {
  await using pair = await startPair();
  await pair.source.client
    .db('shop')
    .collection('items')
    .insertOne({ _id: 1 as never });
  await pair.destination.client
    .db('shop')
    .collection('items')
    .insertOne({ _id: 2 as never });
  for (const uri of [pair.source.uri, 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200']) {
    const migration = new ReversibleMigration({
      migrationId: newId(),
      source: { uri },
      destination: { uri: pair.destination.uri },
      dropDestination: true,
      waitForClusters: true,
      logger: silentLogger,
    });
    await new Steering(migration).cancel(true);
    assert.equal(await migration.run(new AbortController().signal), 'CANCELLED');
    assert.equal(migration.progress().state, 'CANCELLED');
  }
  const { databases } = await pair.destination.client.db().admin().listDatabases({ nameOnly: true });
  assert.deepEqual(databases.map(({ name }) => name).sort(), ['admin', 'config', 'local', 'shop']);
  assert.deepEqual(await pair.destination.client.db('shop').collection('items').find().toArray(), [{ _id: 2 }]);
});

test('a migration that had begun is cancelled and drops what it made, also where preflight now finds an error', async () => {
  await using pair = await startPair();
  await pair.source.client.db('shop').collection('items').insertOne({});
  const filters = { include: [{ database: 'shop' }] };
  await using first = RunningMigration.start(pair, { filters });
  await first.untilReady();
  const { migrationId } = first.progress;
  await first.stop();
  // Users and roles are only migrated with a whole cluster.
  const refused = { migrationId, filters, usersAndRoles: true };
  await using resumed = RunningMigration.start(pair, refused);
  await assert.rejects(resumed.outcome, { code: 'ACCOUNTS_NEED_WHOLE' });
  await using again = RunningMigration.start(pair, refused);
  await again.steering.cancel(true);
  assert.equal(await again.outcome, 'CANCELLED');
  const { databases } = await pair.destination.client.db().admin().listDatabases({ nameOnly: true });
  assert.ok(!databases.some(({ name }) => name === 'shop'));
});
