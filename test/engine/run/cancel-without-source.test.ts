import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { RunningMigration } from '../running-migration.ts';
import { soonGone } from '../silent-server.ts';

checkForLeaks({ sockets: false });

const GONE = { uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' };

// id: cancelled-without-source
test('a migration whose source is gone permanently is cancelled with all that it made, users and roles, too', async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  await fill(pair);
  await pair.source.client.db('shop').command({ createRole: 'clerk', privileges: [], roles: ['readWrite'] });
  await pair.source.client.db('shop').command({ createUser: 'app', pwd: 'secret', roles: ['clerk'] });
  await using first = RunningMigration.start(pair, { usersAndRoles: true });
  await first.untilReady();
  {
    // The destination has the users and roles, and the source is not blocked yet.
    using _ = onFailpoint('engine.accounts.made', () => Promise.reject(new Error('stopped here')));
    await assert.rejects(first.commit(), /stopped here/);
  }
  assert.equal(await isBlocked(pair), true);
  const { migrationId } = first.progress;
  await using again = RunningMigration.start({ ...pair, source: GONE }, { migrationId, usersAndRoles: true });
  const cancelled = again.steering.cancel(true);
  assert.equal(await again.outcome, 'CANCELLED');
  await cancelled;
  assert.deepEqual(await databasesOf(pair), []);
  const admin = pair.destination.client.db('admin');
  assert.deepEqual((await admin.collection('system.users').distinct('user')).sort(), ['root']);
  assert.equal(await admin.collection('system.roles').countDocuments(), 0);
  assert.equal(await isBlocked(pair), false);
});

// id: cancelled-at-the-beginning
test('a migration whose source is lost while it begins can be cancelled', async () => {
  await using pair = await startPair();
  await fill(pair);
  using _ = onFailpoint('engine.prepare.destination-ready', async () => (await pair.source.primary()).kill());
  await using running = RunningMigration.start({ source: soonGone(pair.source), destination: pair.destination });
  await running.until('the wait', ({ waiting }) => waiting.length > 0);
  await running.steering.cancel(true);
  assert.equal(await running.outcome, 'CANCELLED');
  assert.deepEqual(await databasesOf(pair), []);
});

async function fill({ source }: ReplicaSetPair): Promise<void> {
  await source.client.db('shop').collection('items').insertOne({});
  await source.client.db('shop').createCollection('view', { viewOn: 'items', pipeline: [] });
}

async function databasesOf({ destination }: ReplicaSetPair): Promise<string[]> {
  const { databases } = await destination.client.db().admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => !/^(admin|config|local|linkspan_internal)$/.test(name));
}

async function isBlocked({ destination }: ReplicaSetPair): Promise<boolean> {
  const { repl } = await destination.client.db('admin').command({ serverStatus: 1, repl: 1 });
  return repl.userWriteBlockMode === 2;
}
