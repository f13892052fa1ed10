import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';

interface Numbered {
  readonly _id: number;
}

/** Writes to all shards until the action is over and ten more writes went through, and returns what was acknowledged. */
async function writeThrough(cluster: ShardedCluster, action: () => Promise<void>): Promise<number[]> {
  const documents = cluster.client.db('shop').collection<Numbered>('documents');
  const acknowledged: number[] = [];
  const write = async () => {
    await documents.insertOne({ _id: acknowledged.length });
    acknowledged.push(acknowledged.length);
    return true;
  };
  await write();
  let isOver = false;
  const acting = action().finally(() => {
    isOver = true;
  });
  const wasWritten = async () => {
    // The member that has the document may lose it in the election, unless the majority has it.
    const found = await documents.findOne({ _id: acknowledged.length }, { readConcern: 'majority' });
    if (found !== null) acknowledged.push(found._id);
    return found !== null;
  };
  for (let more = 10; more > 0; more -= isOver ? 1 : 0) {
    // A write that failed on the way may have happened.
    await eventually(async () => await write().catch((error) => error.code === 11000 && wasWritten()), {
      what: 'a write to go through',
    });
  }
  await acting;
  return acknowledged;
}

async function started(options: Parameters<typeof startShardedCluster>[0]): Promise<ShardedCluster> {
  const cluster = await startShardedCluster(options);
  await cluster.shardCollection('shop.documents', { _id: 'hashed' }, { numInitialChunks: 4 });
  return cluster;
}

/** Checks that an action of servers loses and repeats no acknowledged write, nor its event in a stream that was open before. */
async function expectNothingLost(cluster: ShardedCluster, action: () => Promise<void>): Promise<void> {
  await using stream = cluster.client.db('shop').watch<Numbered>([], { maxAwaitTimeMS: 50 });
  await stream.tryNext();
  const acknowledged = await writeThrough(cluster, action);
  const documents = cluster.client.db('shop').collection<Numbered>('documents');
  const found = await documents.find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    found.map(({ _id }) => _id),
    acknowledged,
  );
  const seen: unknown[] = [];
  const sawAll = async () => {
    const event = await stream.tryNext();
    if (event?.operationType === 'insert') seen.push(event.documentKey._id);
    // A stream waits for shards without writes.
    else await cluster.client.db('admin').command({ appendOplogNote: 1, data: { n: seen.length } });
    return seen.length >= acknowledged.length;
  };
  await eventually(sawAll, { what: 'the stream to show all writes' });
  assert.deepEqual(seen, acknowledged);
}

test('a shard and a router that are killed and restarted lose nothing', async () => {
  await using cluster = await started({ routers: 2 });
  const [member] = cluster.shards[0]?.members ?? [];
  const [router] = cluster.routers;
  assert.ok(member && router);
  await expectNothingLost(cluster, async () => {
    await member.kill();
    await member.restart();
    await router.kill();
    await router.restart();
  });
});

test('a shard of three members elects another primary, and the router finds it', async () => {
  await using cluster = await started({ shards: 1, members: 3 });
  const [shard] = cluster.shards;
  assert.ok(shard);
  await expectNothingLost(cluster, async () => {
    await shard.stepDown();
    const primary = await shard.primary();
    await primary.kill();
    await shard.primary();
    await primary.restart();
  });
});
