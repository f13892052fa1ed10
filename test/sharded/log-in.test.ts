import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { startShardedCluster } from '../support/sharded-cluster.ts';

test('clients of a sharded cluster log in, and their users decide who writes through a block', async () => {
  await using cluster = await startShardedCluster({ auth: true });
  await cluster.shardCollection('shop.orders', { _id: 'hashed' }, { numInitialChunks: 4 });
  await cluster.createUser('writer', 'secret', ['readWriteAnyDatabase']);
  await cluster.createUser('mover', 'secret', ['readWriteAnyDatabase', 'restore']);
  await using writer = new MongoClient(cluster.uriFor('writer', 'secret'));
  await using mover = new MongoClient(cluster.uriFor('mover', 'secret'));
  const insert = (client: MongoClient) => client.db('shop').collection('orders').insertOne({});
  await insert(writer);
  await using stream = writer.db('shop').collection('orders').watch();
  await stream.tryNext();

  await cluster.client.db('admin').command({ setUserWriteBlockMode: 1, global: true });
  await assert.rejects(insert(writer), { code: 371 });
  await insert(mover);
  await cluster.client.db('admin').command({ setUserWriteBlockMode: 1, global: false });
  await insert(writer);
  assert.equal(await writer.db('shop').collection('orders').countDocuments(), 3);

  await using stranger = new MongoClient(cluster.uriFor('writer', 'wrong'));
  await assert.rejects(insert(stranger), { code: 18 });
  const [withoutUser = ''] = cluster.routerUris;
  await using anonymous = new MongoClient(withoutUser.replace(/\/\/[^@]*@/, '//'));
  await assert.rejects(insert(anonymous), { code: 13 });
});
