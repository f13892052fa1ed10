import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair } from './replica-set.ts';
import { emptyPair, identified } from './seeds.ts';
import { needsSource } from './source-version.ts';

test('emptying a pair ends failures of commands, lifts write blocks, drops data, views and records, and keeps users', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const sides = [pair.source, pair.destination];
  for (const { client, createUser, failCommand } of sides) {
    await createUser('kept', 'secret', ['readAnyDatabase']);
    await client.db('shop').collection<{ _id: number }>('orders').insertMany(identified(3));
    await client.db('shop').createCollection('view', { viewOn: 'orders', pipeline: [] });
    await client.db('linkspan_internal').collection('migrations').insertOne({ state: 'COPYING' });
    await client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
    await failCommand({ mode: 'alwaysOn', data: { failCommands: ['insert', 'listDatabases'], errorCode: 8_000 } });
  }
  await emptyPair(pair);
  for (const { client } of sides) {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    assert.deepEqual(
      databases.map(({ name }) => name),
      ['admin', 'config', 'local'],
    );
    const { users } = await client.db('admin').command({ usersInfo: 'kept' });
    assert.equal(users.length, 1);
    await client.db('shop').collection<{ _id: number }>('orders').insertMany(identified(3));
  }
});
