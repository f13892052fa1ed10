import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import { newId } from '../../../src/platform/index.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { needsSource } from '../../support/source-version.ts';
import { RunningReversible, reversibleUsers } from '../running-reversible.ts';

checkForLeaks({ sockets: false });

const skip = needsSource('6.0', 'it has no write block');
/** Each side has its own users of these names: the administrator, and the migration's user. */
const OWN = ['root', 'mover'];

test('users and roles that are made, changed and dropped there come back, and so do those of the next directions', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  const shop = source.client.db('shop');
  await shop.collection('items').insertOne({ n: 1 });
  const finds = { resource: { db: 'shop', collection: 'items' }, actions: ['find'] };
  await shop.command({ createRole: 'reads', privileges: [finds], roles: [] });
  await shop.command({ createRole: 'dropped', privileges: [], roles: [] });
  await shop.command({ createUser: 'app', pwd: 'first', roles: ['reads'] });
  await shop.command({ createUser: 'idle', pwd: 'idle', roles: [] });
  await shop.command({ createUser: 'remade', pwd: 'remade', roles: ['reads'] });
  const addresses = await reversibleUsers(pair);
  const id = newId();
  {
    await using running = new RunningReversible(addresses, id, { usersAndRoles: true });
    await running.cutOver();
    await assertSame(pair);
    const there = destination.client.db('shop');
    await there.command({ updateUser: 'app', pwd: 'second' });
    await there.command({ dropUser: 'idle' });
    await there.command({ dropUser: 'remade' });
    await there.command({ createUser: 'remade', pwd: 'again', roles: ['reads'] });
    await there.command({ dropRole: 'dropped' });
    await there.command({ createRole: 'new', privileges: [finds], roles: ['reads'] });
    await there.command({ createUser: 'newcomer', pwd: 'new', roles: ['new'] });
    const inserts = { ...finds, actions: ['find', 'insert'] };
    await there.command({ updateRole: 'reads', privileges: [inserts] });
    await running.returnToOldSource();
    await assertSame(pair);
    assert.equal(await mayRead(source, 'app', 'second'), true);
    await assert.rejects(mayRead(source, 'app', 'first'), { code: 18 });
    assert.equal(await mayRead(source, 'newcomer', 'new'), true);
    await running.stop();
  }
  await using running = new RunningReversible(addresses, id, { usersAndRoles: true });
  await running.untilFollowing();
  await shop.command({ updateUser: 'newcomer', pwd: 'newer', roles: [] });
  await shop.command({ dropUser: 'app' });
  await shop.command({ createUser: 'last', pwd: 'last', roles: ['new'] });
  await shop.command({ updateRole: 'new', privileges: [], roles: ['reads'] });
  await running.returnToOldSource();
  await running.steering.finish();
  await assertSame(pair);
  assert.equal(await mayRead(destination, 'newcomer', 'newer'), false, 'it has lost its role');
});

test('accounts of the old source that the migration did not take there stay as they are at a return', {
  skip,
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const [here, there] = [pair.source.client.db('shop'), pair.destination.client.db('shop')];
  await here.collection('items').insertOne({ n: 1 });
  for (const [db, pwd] of [
    [here, 'of the source'],
    [there, 'of the destination'],
  ] as const)
    await db.command({ createUser: 'both', pwd, roles: [] });
  await using running = new RunningReversible(await reversibleUsers(pair), newId(), { usersAndRoles: true });
  await running.cutOver();
  await there.command({ updateUser: 'both', pwd: 'another' });
  await running.returnToOldSource();
  await running.steering.finish();
  assert.equal(await mayRead(pair.source, 'both', 'of the source'), false, 'it logs in, and has no role');
  await assert.rejects(mayRead(pair.source, 'both', 'another'), { code: 18 });
});

/** Compares all users and roles but those that each side has of its own. */
async function assertSame({ source, destination }: ReplicaSetPair): Promise<void> {
  for (const collection of ['system.users', 'system.roles'])
    assert.deepEqual(await definitions(destination, collection), await definitions(source, collection));
}

async function definitions({ client }: ReplicaSet, collection: string): Promise<Document[]> {
  const others = { user: { $nin: OWN } };
  const found: Document[] = await client.db('admin').collection(collection).find(others).sort({ _id: 1 }).toArray();
  // Roles are a set, which servers give any order.
  const sorted = (roles: Document[]) => roles.toSorted((a, b) => (a.role < b.role ? -1 : 1));
  return found.map((one) => ({ ...one, roles: sorted(one.roles) }));
}

/** Logs in as a user of `shop`. @returns whether it may read there; rejects when the password is wrong */
async function mayRead(set: ReplicaSet, user: string, password: string): Promise<boolean> {
  await using client = new MongoClient(set.uriFor(user, password).replace('authSource=admin', 'authSource=shop'));
  await client.connect();
  const read = client.db('shop').collection('items').findOne();
  return await read.then(
    () => true,
    () => false,
  );
}
