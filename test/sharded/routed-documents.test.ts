import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Binary, type ClientSession, Long, UUID } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import type { ReplicaSet } from '../support/replica-set.ts';
import { runAsIs } from '../support/router/run-as-is.ts';
import { identified, numbered } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';

const MOVES = 8;

interface Counter {
  readonly _id: number;
  readonly count: number;
}

describe('documents of a sharded cluster', () => {
  let cluster: ShardedCluster;
  let shards: readonly [ReplicaSet, ReplicaSet];
  before(async () => {
    cluster = await startShardedCluster({ routers: 2 });
    const [first, second] = cluster.shards;
    assert.ok(first && second);
    shards = [first, second];
    await cluster.createDatabase('shop', first.name);
  });
  after(() => cluster[Symbol.asyncDispose]());

  /** Shards a collection at 50, with the documents 0 to 99. The second shard has those from 50 on. */
  async function halved(name: string) {
    await cluster.shardCollection(`shop.${name}`, { _id: 1 });
    const collection = cluster.client.db('shop').collection<Counter>(name);
    await cluster.split(`shop.${name}`, { _id: 50 });
    await cluster.move(`shop.${name}`, { _id: 50 }, shards[1].name);
    await collection.insertMany(identified(100, { count: 0 }));
    return collection;
  }

  test('reads and writes of many shards leave out orphans', async () => {
    await cluster.shardCollection('shop.orders', { n: 1 });
    const orders = cluster.client.db('shop').collection('orders');
    await orders.insertMany(numbered(100));
    await cluster.split('shop.orders', { n: 50 });
    await shards[0].client.db('admin').command({ configureFailPoint: 'suspendRangeDeletion', mode: 'alwaysOn' });
    await cluster.move('shop.orders', { n: 50 }, shards[1].name);
    const onShards = shards.map(({ client }) => client.db('shop').collection('orders').countDocuments());
    assert.deepEqual(await Promise.all(onShards), [100, 50]);
    assert.equal(await orders.countDocuments(), 100);
    assert.equal((await orders.find({}, { batchSize: 7 }).toArray()).length, 100);
    assert.equal((await orders.distinct('n')).length, 100);
    assert.equal((await orders.updateMany({}, { $set: { paid: true } })).modifiedCount, 100);
    const stats = await orders.aggregate([{ $collStats: { storageStats: {} } }]).toArray();
    const byShard = stats.map(({ shard, storageStats: { count, numOrphanDocs } }) => [shard, count, numOrphanDocs]);
    assert.deepEqual(byShard.sort(), [
      [shards[0].name, 100, 50],
      [shards[1].name, 50, 0],
    ]);
    await shards[0].clearFailPoints();
    await shards[0].client.db('admin').command({ configureFailPoint: 'suspendRangeDeletion', mode: 'off' });
  });

  test('writers lose nothing and repeat nothing while chunks move', async () => {
    await cluster.shardCollection('shop.moving', { _id: 'hashed' }, { numInitialChunks: 4 });
    const moving = cluster.client.db('shop').collection<Counter>('moving');
    const hashed = { _id: -7 };
    await cluster.move('shop.moving', hashed, shards[1].name);
    await moving.insertOne({ ...hashed, count: 0 });
    assert.equal(await shards[1].client.db('shop').collection<Counter>('moving').countDocuments(hashed), 1);
    await moving.deleteOne(hashed);
    await using mover = cluster.mover('shop.moving');
    const wanted = new Map<number, number>();
    let next = 0;
    await eventually(
      async () => {
        const ids = [next, next + 1, next + 2, next + 3];
        await moving.insertMany(ids.map((_id) => ({ _id, count: 0 })));
        await moving.bulkWrite(ids.map((_id) => ({ updateOne: { filter: { _id }, update: { $inc: { count: 1 } } } })));
        await moving.findOneAndUpdate({ _id: next }, { $inc: { count: 1 } });
        await moving.deleteOne({ _id: next + 3 });
        wanted
          .set(next, 2)
          .set(next + 1, 1)
          .set(next + 2, 1);
        next += 4;
        return mover.moves >= MOVES;
      },
      { what: `${MOVES} moves of chunks` },
    );
    await mover.stop();
    const found = await moving.find().sort({ _id: 1 }).toArray();
    assert.deepEqual(new Map(found.map(({ _id, count }) => [_id, count])), wanted);
  });

  test('a retryable write that is sent again, by another router and after a move, changes nothing', async () => {
    const again = await halved('again');
    const command = {
      update: 'again',
      updates: [10, 60, 11].map((_id) => ({ q: { _id }, u: { $inc: { count: 1 } } })),
      lsid: { id: new Binary(new UUID(randomUUID()).buffer, Binary.SUBTYPE_UUID) },
      txnNumber: Long.fromNumber(7),
    };
    const counts = async () => (await again.find({ _id: { $in: [10, 60, 11] } }).toArray()).map(({ count }) => count);
    for (const { port } of [...cluster.routers, ...cluster.routers]) {
      const { n, nModified } = await runAsIs(port, 'shop', command);
      assert.deepEqual([n, nModified], [3, 3]);
      assert.deepEqual(await counts(), [1, 1, 1]);
      await cluster.move('shop.again', { _id: 60 }, shards[0].name);
      await cluster.move('shop.again', { _id: 10 }, shards[1].name);
    }
  });

  test('an ordered write ends at its first error, an unordered one reports each', async () => {
    const kept = await halved('kept');
    const documents = [100, 60, 101, 10, 102].map((_id) => ({ _id, count: 0 }));
    for (const [ordered, inserted, failed] of [
      [true, 1, [1]],
      [false, 2, [0, 1, 3]],
    ] as const) {
      const error = await kept.insertMany(documents, { ordered }).catch((error) => error);
      assert.deepEqual(
        error.writeErrors.map(({ index }: { index: number }) => index),
        failed,
      );
      assert.equal(error.insertedCount, inserted);
    }
  });

  test('a transaction over two shards becomes visible at once, or not at all', async () => {
    const accounts = await halved('accounts');
    const changed = async (session?: ClientSession) => {
      const documents = accounts.find({ count: { $ne: 0 } }, { session }).sort({ _id: 1 });
      return (await documents.toArray()).map(({ _id }) => _id);
    };
    const transfer = async (by: number) => {
      await using session = cluster.client.startSession();
      session.startTransaction();
      await accounts.updateOne({ _id: 1 }, { $inc: { count: by } }, { session });
      await accounts.updateOne({ _id: 99 }, { $inc: { count: -by } }, { session });
      assert.equal((await accounts.findOne({ _id: 99 }, { session }))?.count, -by);
      assert.deepEqual(await changed(), []);
      if (by < 0) await session.abortTransaction();
      else await session.commitTransaction();
      // Only a causal read is certain to come after the commit on both shards.
      return await changed(session);
    };
    assert.deepEqual(await transfer(-5), []);
    assert.deepEqual(await transfer(5), [1, 99]);
  });

  test('a transaction with a failed statement holds nothing on any shard', async () => {
    const stock = await halved('stock');
    await using session = cluster.client.startSession();
    session.startTransaction();
    await stock.updateOne({ _id: 1 }, { $inc: { count: 1 } }, { session });
    await shards[1].failCommand({ mode: { times: 1 }, data: { failCommands: ['update'], errorCode: 112 } });
    await assert.rejects(stock.updateOne({ _id: 99 }, { $inc: { count: 1 } }, { session }), { code: 112 });
    const other = await stock.updateOne({ _id: 1 }, { $inc: { count: 1 } }, { maxTimeMS: 10_000 });
    assert.equal(other.modifiedCount, 1);
  });

  test('a write that no shard key targets is refused by name', async () => {
    await cluster.shardCollection('shop.keyed', { k: 1 });
    const keyed = cluster.client.db('shop').collection('keyed');
    const upsert = keyed.updateOne({ name: 'x' }, { $set: { n: 1 } }, { upsert: true });
    await assert.rejects(upsert, /could not extract exact shard key/);
    await assert.rejects(keyed.deleteOne({ name: 'x' }), /exact match on _id or contain the shard key/);
  });

  test('a cursor belongs to its router', async () => {
    await halved('paged');
    const [first, second] = cluster.routers;
    assert.ok(first && second);
    const { cursor } = await runAsIs(first.port, 'shop', { find: 'paged', batchSize: 2 });
    const getMore = { getMore: cursor.id, collection: 'paged', batchSize: 200 };
    assert.equal((await runAsIs(second.port, 'shop', getMore)).code, 43);
    assert.equal((await runAsIs(first.port, 'shop', getMore)).cursor.nextBatch.length, 98);
  });
});
