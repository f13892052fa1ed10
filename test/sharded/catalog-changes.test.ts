import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';

interface Named {
  readonly _id: number;
  readonly name?: string;
}

describe('the catalog of a sharded cluster', () => {
  let cluster: ShardedCluster;
  before(async () => {
    cluster = await startShardedCluster();
    await cluster.createDatabase('shop', 'shard0');
  });
  after(() => cluster[Symbol.asyncDispose]());

  const shop = () => cluster.client.db('shop');
  const admin = (command: Document) => cluster.client.db('admin').command(command);
  /** The documents of a collection on each shard. */
  const onShards = (db: string, name: string) =>
    Promise.all(cluster.shards.map(({ client }) => client.db(db).collection(name).countDocuments()));
  const entryOf = async (db: string, name: string): Promise<Document | undefined> => {
    const [entry] = await cluster.client.db(db).listCollections({ name }).toArray();
    return entry;
  };
  const uuidOf = async (db: string, name: string) => String((await entryOf(db, name))?.info.uuid);

  async function halved(name: string) {
    await cluster.shardCollection(`shop.${name}`, { _id: 1 });
    await cluster.split(`shop.${name}`, { _id: 5 });
    await cluster.move(`shop.${name}`, { _id: 5 }, 'shard1');
    await shop().collection<Named>(name).insertMany(identified(10));
    return shop().collection<Named>(name);
  }

  test('an index is built and dropped on all shards', async () => {
    const indexed = await halved('indexed');
    await indexed.createIndex({ name: 1 });
    const indexes = () =>
      Promise.all(cluster.shards.map(({ client }) => client.db('shop').collection('indexed').indexes()));
    assert.deepEqual(
      (await indexes()).map(({ length }) => length),
      [2, 2],
    );
    assert.deepEqual(
      (await indexed.indexes()).map(({ name }) => name),
      ['_id_', 'name_1'],
    );
    await assert.rejects(indexed.createIndex({ name: -1 }, { unique: true }), { code: 67 });
    await indexed.dropIndex('name_1');
    assert.deepEqual(
      (await indexes()).map(({ length }) => length),
      [1, 1],
    );
  });

  test('a collection is changed, renamed and dropped on all shards', async () => {
    await halved('changed');
    await shop().command({ collMod: 'changed', validator: { name: { $exists: false } } });
    assert.deepEqual((await entryOf('shop', 'changed'))?.options?.validator, { name: { $exists: false } });
    const before = await uuidOf('shop', 'changed');
    await shop().renameCollection('changed', 'renamed');
    assert.deepEqual(await onShards('shop', 'renamed'), [5, 5]);
    assert.equal(await uuidOf('shop', 'renamed'), before);
    await shop().dropCollection('renamed');
    assert.deepEqual(await onShards('shop', 'renamed'), [0, 0]);
    assert.equal(await entryOf('shop', 'renamed'), undefined);
  });

  test('views, capped collections and time series are made on the primary shard', async () => {
    await shop().createCollection('capped', { capped: true, size: 4096 });
    await shop().createCollection('view', { viewOn: 'indexed', pipeline: [{ $match: { _id: { $gt: 3 } } }] });
    await shop().createCollection('series', { timeseries: { timeField: 'at', metaField: 'of' } });
    await shop()
      .collection('series')
      .insertMany([1, 2].map((of) => ({ at: new Date(), of })));
    assert.equal(await shop().collection('view').countDocuments(), 6);
    assert.equal(await shop().collection('series').countDocuments(), 2);
    await assert.rejects(cluster.shardCollection('shop.capped', { _id: 1 }), /capped/);
    const types = (await shop().listCollections().toArray()).map(({ name, type }) => `${name} ${type}`);
    for (const listed of ['capped collection', 'view view', 'series timeseries']) assert.ok(types.includes(listed));
  });

  test('movePrimary moves the unsharded collections, and gives them other UUIDs', async () => {
    await cluster.createDatabase('moved', 'shard0');
    await cluster.client.db('moved').collection<Named>('plain').insertMany(identified(3));
    const before = await uuidOf('moved', 'plain');
    await admin({ movePrimary: 'moved', to: 'shard1' });
    assert.deepEqual(await onShards('moved', 'plain'), [0, 3]);
    const count = () => cluster.client.db('moved').collection('plain').countDocuments();
    assert.equal(await count(), 3);
    assert.notEqual(await uuidOf('moved', 'plain'), before);
    await admin({ movePrimary: 'moved', to: 'shard0' });
    assert.equal(await count(), 3);
    assert.deepEqual(await onShards('moved', 'plain'), [3, 0]);
  });

  test('a collection gets a longer or another shard key', async () => {
    await cluster.shardCollection('shop.keyed', { name: 1 });
    await shop()
      .collection<Named>('keyed')
      .insertMany([1, 2, 3].map((_id) => ({ _id, name: `n${_id}` })));
    const keyOf = async () => {
      const collections = cluster.client.db('config').collection<{ _id: string; key: Document }>('collections');
      return (await collections.findOne({ _id: 'shop.keyed' }))?.key;
    };
    await shop().collection('keyed').createIndex({ name: 1, _id: 1 });
    await admin({ refineCollectionShardKey: 'shop.keyed', key: { name: 1, _id: 1 } });
    assert.deepEqual(await keyOf(), { name: 1, _id: 1 });
    const before = await uuidOf('shop', 'keyed');
    await admin({ reshardCollection: 'shop.keyed', key: { _id: 1 }, numInitialChunks: 2 });
    assert.deepEqual(await keyOf(), { _id: 1 });
    assert.notEqual(await uuidOf('shop', 'keyed'), before);
    assert.equal(await shop().collection('keyed').countDocuments(), 3);
  });

  test('zones and the balancer place chunks', async () => {
    await cluster.shardCollection('shop.zoned', { _id: 1 });
    await shop().collection<Named>('zoned').insertMany(identified(10));
    await admin({ addShardToZone: 'shard1', zone: 'east' });
    await admin({ updateZoneKeyRange: 'shop.zoned', min: { _id: 5 }, max: { _id: 10 }, zone: 'east' });
    await cluster.setBalancer(true);
    await eventually(async () => (await onShards('shop', 'zoned')).join() === '5,5', { what: 'the balancer' });
    await cluster.setBalancer(false);
    assert.equal((await admin({ balancerStatus: 1 })).mode, 'off');
  });

  test('a write block stops writes on all shards, but not chunks and notes', async () => {
    const blocked = await halved('blocked');
    await admin({ setUserWriteBlockMode: 1, global: true });
    for (const { client } of cluster.shards) {
      const { repl } = await client.db('admin').command({ serverStatus: 1 });
      assert.equal(repl.userWriteBlockMode, 2);
    }
    for (const _id of [1, 9]) await assert.rejects(blocked.updateOne({ _id }, { $set: { name: 'x' } }), { code: 371 });
    await assert.rejects(shop().createCollection('refused'), { code: 371 });
    await assert.rejects(shop().dropCollection('blocked'), { code: 371 });
    await cluster.move('shop.blocked', { _id: 1 }, 'shard1');
    await admin({ appendOplogNote: 1, data: { n: 1 } });
    await admin({ setUserWriteBlockMode: 1, global: false });
    assert.equal((await blocked.updateMany({}, { $set: { name: 'x' } })).modifiedCount, 10);
  });

  test('a write block waits for an open transaction, and the other shards do not', async () => {
    const waited = await halved('waited');
    await using session = cluster.client.startSession();
    session.startTransaction();
    await waited.updateOne({ _id: 9 }, { $set: { name: 'x' } }, { session });
    const blocking = admin({ setUserWriteBlockMode: 1, global: true });
    const isBlocked = async () => {
      const { repl } = (await cluster.shards[0]?.client.db('admin').command({ serverStatus: 1 })) ?? {};
      return repl?.userWriteBlockMode === 2;
    };
    await eventually(isBlocked, { what: 'the block on the shard without the transaction' });
    // A read of the other shard would wait: there, the block waits for a lock before it.
    assert.equal((await waited.findOne({ _id: 1 }))?._id, 1);
    await session.commitTransaction();
    await blocking;
    assert.equal((await waited.findOne({ _id: 9 }))?.name, 'x');
    await admin({ setUserWriteBlockMode: 1, global: false });
  });

  test('statistics and operations come from all shards', async () => {
    await halved('counted');
    const { count, sharded, shards } = await shop().command({ collStats: 'counted' });
    assert.deepEqual([count, sharded, Object.keys(shards)], [10, true, ['shard0', 'shard1']]);
    const [first, second] = await shop()
      .collection('counted')
      .aggregate([{ $collStats: { count: {} } }])
      .toArray();
    assert.deepEqual([first?.count, second?.count], [5, 5]);
    assert.ok((await shop().command({ dbStats: 1 })).objects >= 10);
    const { databases } = await admin({ listDatabases: 1, nameOnly: true });
    const names = databases.map(({ name }: { name: string }) => name);
    for (const name of ['admin', 'config', 'shop']) assert.ok(names.includes(name));
    assert.ok(!names.includes('local'));
    const operations = cluster.client
      .db('admin')
      .aggregate([{ $currentOp: { allUsers: true, idleConnections: true } }]);
    const shardNames = new Set((await operations.toArray()).map(({ shard }) => shard));
    assert.deepEqual([...shardNames].sort(), ['shard0', 'shard1']);
    const explain = { explain: { find: 'counted', filter: { name: 'x' } }, verbosity: 'queryPlanner' };
    assert.equal((await shop().command(explain)).queryPlanner.winningPlan.shards.length, 2);
    const misspelt = { explain: { find: 'counted', filter: { $nam: 'x' } }, verbosity: 'queryPlanner' };
    await assert.rejects(shop().command(misspelt), { code: 2 });
  });

  test('a command of no router is unknown', async () => {
    await assert.rejects(admin({ replSetGetConfig: 1 }), { code: 59 });
    await assert.rejects(cluster.client.db('local').collection('oplog.rs').findOne(), { code: 73 });
  });
});
