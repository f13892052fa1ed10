import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanUp, listLeftovers } from '../../../src/engine/index.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { fallSilent } from '../../support/fall-silent.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

checkForLeaks({ sockets: false });

const ID = newId();

test('what a migration leaves is listed, and goes without anything else', async (t) => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  await fill(pair);

  await t.test('one that was killed: what is weakened is named, the block lifted, what others have stays', async () => {
    await using running = RunningMigration.start(pair, { migrationId: ID });
    await running.untilReady();
    await assert.rejects(cleanUp(destination, ID, { drop: true }), { code: 'MIGRATION_RUNS' });
    await running.stop();
    await fallSilent(destination, ID);
    await destination.createUser('app', 'secret', ['readWriteAnyDatabase']);
    const shop = destination.client.db('shop');
    await shop.collection('theirs').insertOne({});
    await shop.collection('customers').drop();
    await shop.collection('customers').insertOne({ theirs: true });

    const [left] = await listLeftovers(destination);
    assert.deepEqual(left?.collections.map(({ name }) => name).sort(), ['orders', 'sessions']);
    assert.deepEqual(
      left?.views.map(({ name }) => name),
      ['recent'],
    );
    assert.deepEqual([...(left?.weakenedIndexes ?? [])].sort(), [
      'shop.orders: number_1 (unique)',
      'shop.sessions: at_1 (expireAfterSeconds 3600)',
    ]);
    assert.equal(left?.blocked, true);

    {
      using _ = onFailpoint('engine.cleanup.dropped', () => Promise.reject(new Error('killed')));
      await assert.rejects(cleanUp(destination, ID, { drop: true }), /killed/);
    }
    const [halfway] = await listLeftovers(destination, ID);
    assert.deepEqual([halfway?.state, halfway?.blocked], ['CANCELLED', true]);
    await cleanUp(destination, ID, { drop: true });
    assert.deepEqual(await namesIn(destination), ['customers', 'theirs']);
    assert.equal(await canWrite(destination), true);
    assert.deepEqual(await internalDatabase(destination), []);
    await assert.rejects(cleanUp(destination, ID, { drop: true }), { code: 'NO_SUCH_MIGRATION' });
    await shop.dropDatabase();
  });

  await t.test(
    'one that was cancelled with its data kept can still be dropped, another one beside it stays',
    async () => {
      await using running = RunningMigration.start(pair, { migrationId: ID });
      await running.untilReady();
      await running.steering.cancel(false);
      await destination.client
        .db('linkspan_internal')
        .collection<{ _id: unknown }>('collections')
        .insertOne({ _id: { m: newId(), u: 1 } });
      assert.equal((await cleanUp(destination, ID, { drop: true })).collections.length, 3);
      assert.deepEqual(await namesIn(destination), []);
      assert.deepEqual(await internalDatabase(destination), ['linkspan_internal']);
      await destination.client.db('linkspan_internal').dropDatabase();
    },
  );

  const skip = needsSource('6.0', 'stored functions are refused there');
  await t.test('stored functions go, too, and their database where it has nothing else', { skip }, async () => {
    const databases = ['functions', 'shared'];
    for (const name of databases)
      await source.client.db(name).collection<{ _id: string }>('system.js').insertOne({ _id: 'f' });
    await source.client.db('seen').createCollection('view', { viewOn: 'items', pipeline: [] });
    await using running = RunningMigration.start(pair, { migrationId: ID });
    await running.untilReady();
    await running.steering.cancel(false);
    await destination.client.db('shared').collection('theirs').insertOne({});
    await destination.client.db('seen').collection<{ _id: string }>('system.js').insertOne({ _id: 'theirs' });
    await cleanUp(destination, ID, { drop: true });
    const { databases: left } = await destination.client.db('admin').command({ listDatabases: 1, nameOnly: true });
    assert.deepEqual(
      databases.filter((name) => left.some((one: { readonly name: string }) => one.name === name)),
      ['shared'],
    );
    assert.equal(await destination.client.db('shared').collection('system.js').countDocuments(), 0);
    assert.equal(await destination.client.db('shared').collection('theirs').countDocuments(), 1);
    assert.equal(await destination.client.db('seen').collection('system.js').countDocuments(), 1);
    for (const name of [...databases, 'seen']) {
      await source.client.db(name).dropDatabase();
      await destination.client.db(name).dropDatabase();
    }
  });

  await t.test('one that is committed is forgotten and its data, users and roles stay', async () => {
    await source.createUser('migrated', 'secret', ['read']);
    await syncOnce(pair, { migrationId: ID, usersAndRoles: true });
    await assert.rejects(cleanUp(destination, ID, { drop: true }), { code: 'COMMITTED_DATA' });
    const left = await cleanUp(destination, ID, { drop: false });
    assert.deepEqual([left.state, left.weakenedIndexes, left.users.length], ['COMMITTED', [], 1]);
    assert.deepEqual(await namesIn(destination), ['customers', 'orders', 'recent', 'sessions']);
    assert.deepEqual(await internalDatabase(destination), []);
  });
});

async function fill({ source }: ReplicaSetPair): Promise<void> {
  const shop = source.client.db('shop');
  await shop.collection('customers').insertOne({});
  await shop.collection('orders').insertMany([{ number: 1 }, { number: 2 }]);
  await shop.collection('orders').createIndex({ number: 1 }, { unique: true });
  await shop.collection('sessions').insertOne({ at: new Date() });
  await shop.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  await shop.createCollection('recent', { viewOn: 'orders', pipeline: [] });
}

async function namesIn({ client }: ReplicaSet): Promise<string[]> {
  const listed = await client.db('shop').listCollections({}, { nameOnly: true }).toArray();
  return listed
    .map(({ name }) => name)
    .filter((name) => name !== 'system.views')
    .sort();
}

async function canWrite({ client }: ReplicaSet): Promise<boolean> {
  const { repl } = await client.db('admin').command({ serverStatus: 1, repl: 1 });
  return repl.userWriteBlockMode === 1;
}

async function internalDatabase({ client }: ReplicaSet): Promise<string[]> {
  const { databases } = await client.db('admin').command({ listDatabases: 1, filter: { name: 'linkspan_internal' } });
  return databases.map(({ name }: { name: string }) => name);
}
