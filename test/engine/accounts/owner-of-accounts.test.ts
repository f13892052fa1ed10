import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import { cleanUp, listLeftovers } from '../../../src/engine/index.ts';
import type { MadeAccount } from '../../../src/engine/records/made-accounts.ts';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

test('a committed migration owns the views, users and roles that an earlier one made', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertOne({});
  await shop.createCollection('view', { viewOn: 'items', pipeline: [] });
  await shop.command({ createRole: 'clerk', privileges: [], roles: ['readWrite'] });
  await shop.command({ createUser: 'app', pwd: 'secret', roles: ['clerk'] });
  await using first = RunningMigration.start(pair, { usersAndRoles: true });
  await first.untilReady();
  {
    let cancelled: Promise<void> | undefined;
    using _ = onFailpoint('engine.cutover.source-blocked', async () => {
      cancelled = first.steering.cancel(false);
    });
    first.steering.cutOver();
    assert.equal(await first.outcome, 'CANCELLED');
    await cancelled;
  }
  await using second = RunningMigration.start(pair, { dropDestination: true, usersAndRoles: true });
  await second.untilReady();
  const { migrationId } = first.progress;
  await cleanUp(pair.destination, migrationId, { drop: true });
  await allowWrites(pair.source.client);
  // Known as Linkspan's still, or it would be kept as it is.
  await shop.command({ updateUser: 'app', pwd: 'changed' });
  await second.commit();
  assert.deepEqual(await accountsOf(pair, 'source'), await accountsOf(pair, 'destination'));
  const [left] = await listLeftovers(pair.destination);
  assert.deepEqual(
    [left?.migrationId, left?.views.length, left?.users.map(({ _id }) => _id.id), left?.roles.map(({ _id }) => _id.id)],
    [second.progress.migrationId, 1, ['shop.app'], ['shop.clerk']],
  );
  assert.equal(await pair.destination.client.db('shop').collection('view').countDocuments(), 1);
});

test('users and roles that are on record of two sources belong to neither, and stay', async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const shop = pair.source.client.db('shop');
  await shop.collection('items').insertOne({});
  for (const createRole of ['clerk', 'own']) await shop.command({ createRole, privileges: [], roles: [] });
  for (const createUser of ['app', 'own']) await shop.command({ createUser, pwd: 'secret', roles: [] });
  await using first = RunningMigration.start(pair, { usersAndRoles: true });
  await first.untilReady();
  {
    using _ = onFailpoint('engine.accounts.made', () => Promise.reject(new Error('stopped here')));
    await assert.rejects(first.commit(), /stopped here/);
  }
  // A second migration, killed after it recorded what it is about to create, leaves this record.
  const accounts = pair.destination.client.db('linkspan_internal').collection<MadeAccount>('accounts');
  const announced = await accounts.find({ '_id.id': { $in: ['shop.clerk', 'shop.app'] } }).toArray();
  await accounts.insertMany(
    announced.map((one) => ({ ...one, _id: { ...one._id, source: 'another' }, migration: newId() })),
  );
  await using again = RunningMigration.start(pair, {
    migrationId: first.progress.migrationId,
    usersAndRoles: true,
  });
  await again.steering.cancel(true);
  assert.equal(await again.outcome, 'CANCELLED');
  const [users, roles] = await accountsOf(pair, 'destination');
  assert.deepEqual([users?.map(({ user }) => user), roles?.map(({ role }) => role)], [['app'], ['clerk']]);
});

async function accountsOf(pair: ReplicaSetPair, side: 'source' | 'destination'): Promise<Document[][]> {
  const admin = pair[side].client.db('admin');
  const users = await admin.collection('system.users').find({ db: 'shop' }).toArray();
  return [users, await admin.collection('system.roles').find().toArray()];
}
