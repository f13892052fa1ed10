import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Binary, type Document, Long, UUID } from 'mongodb';
import { runAsIs } from '../support/router/run-as-is.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';

test('no command with a number, and no change stream, aborts the process of a shard', async () => {
  await using cluster = await startShardedCluster();
  await cluster.shardCollection('shop.safe', { _id: 'hashed' }, { numInitialChunks: 4 });
  await cluster.client.db('shop').collection<{ _id: number }>('safe').insertMany(identified(100));
  const pids = () => cluster.shards.map(({ members: [member] }) => member?.pid);
  const before = pids();
  const [router] = cluster.routers;
  assert.ok(router);
  const cursor = { batchSize: 1 };
  const changes = { $changeStream: {} };
  const commands: readonly Document[] = [
    { insert: 'safe', documents: [{ _id: 200 }, { _id: 201 }] },
    { update: 'safe', updates: [{ q: { _id: 200 }, u: { $set: { n: 1 } } }] },
    { update: 'safe', updates: [{ q: {}, u: { $set: { n: 2 } }, multi: true }] },
    { delete: 'safe', deletes: [{ q: { _id: 200 }, limit: 1 }] },
    { findAndModify: 'safe', query: { _id: 1 }, update: { $set: { n: 1 } } },
    { find: 'safe', batchSize: 1 },
    { count: 'safe' },
    { distinct: 'safe', key: 'n' },
    { aggregate: 'safe', pipeline: [], cursor },
    { aggregate: 'safe', pipeline: [changes], cursor },
    { aggregate: 'safe', pipeline: [{ $match: {} }, changes], cursor },
    { aggregate: 'safe', pipeline: [{ $unionWith: { coll: 'safe', pipeline: [changes] } }], cursor },
    { aggregate: 'safe', pipeline: [{ $lookup: { from: 'safe', as: 'x', pipeline: [changes] } }], cursor },
    { aggregate: 'safe', pipeline: [{ $facet: { x: [changes] } }], cursor },
  ];
  const lsid = { id: new Binary(new UUID(randomUUID()).buffer, Binary.SUBTYPE_UUID) };
  for (const [n, command] of commands.entries()) {
    for (const number of [{}, { lsid, txnNumber: Long.fromNumber(n) }]) {
      const reply = await runAsIs(router.port, 'shop', { ...command, ...number });
      if (reply.cursor?.id?.isZero() !== false) continue;
      const more = { getMore: reply.cursor.id, collection: 'safe', batchSize: 1 };
      await runAsIs(router.port, 'shop', { ...more, ...number });
    }
  }
  for (const { client } of cluster.shards) await client.db('admin').command({ ping: 1 });
  assert.deepEqual(pids(), before);
});
