import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { reversibleUsers } from '../engine/running-reversible.ts';
import { checkForLeaks } from '../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../support/replica-set.ts';
import { needsSource } from '../support/source-version.ts';
import { PushSetup } from './push-setup.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');

test('users and roles move by the control plane, there and back, with their passwords', { skip }, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const shop = pair.source.client.db('shop');
  await shop.collection('orders').insertOne({ n: 1 });
  const privileges = [{ resource: { db: 'shop', collection: 'orders' }, actions: ['find'] }];
  await shop.command({ createRole: 'clerk', privileges, roles: [] });
  await shop.command({ createUser: 'ann', pwd: 'first', roles: ['clerk'] });
  const { source } = await reversibleUsers(pair);
  await using setup = await PushSetup.create(pair, source.uri);
  await setup.serve();
  await setup.register(pair);
  setup.agent();
  await setup.start({ linkspan: { reversible: true, usersAndRoles: true } });

  const ordersOf = async (set: ReplicaSet, password: string) => {
    await using ann = new MongoClient(set.uriFor('ann', password).replace('authSource=admin', 'authSource=shop'));
    return await ann.db('shop').collection('orders').countDocuments();
  };
  await setup.until('ready for cutover', ({ readyForCutover }) => readyForCutover);
  await assert.rejects(ordersOf(pair.destination, 'first'), /Authentication failed/);
  await setup.cutOver();
  await setup.until('ready to return', ({ linkspan }) => linkspan.failback?.ready ?? false);
  assert.equal(await ordersOf(pair.destination, 'first'), 1);

  await pair.destination.client.db('shop').command({ updateUser: 'ann', pwd: 'second' });
  await setup.request('reverse');
  await setup.until('ready again', ({ status, readyForCutover }) => status === 'WORKING' && readyForCutover);
  await setup.cutOver();
  await setup.until('back', ({ status }) => status === 'COMPLETE');
  assert.equal(await ordersOf(pair.source, 'second'), 1);
  // The user of the migration on the destination exists there alone.
  const { users } = await pair.source.client.db('admin').command({ usersInfo: 1 });
  assert.deepEqual(users.map(({ user }: { user: string }) => user).sort(), ['mover', 'root']);
});
