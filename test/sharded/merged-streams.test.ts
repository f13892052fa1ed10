import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ChangeStream, ChangeStreamDocument, Document } from 'mongodb';
import { eventually } from '../support/eventually.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';

const MOVES = Number(process.env.LINKSPAN_TEST_CHUNK_MOVES ?? 25);

interface Counter {
  readonly _id: number;
  readonly count: number;
}

describe('change streams of a sharded cluster', () => {
  let cluster: ShardedCluster;
  before(async () => {
    cluster = await startShardedCluster();
    await cluster.createDatabase('shop', 'shard0');
  });
  after(() => cluster[Symbol.asyncDispose]());

  const counters = (name: string) => cluster.client.db('shop').collection<Counter>(name);

  /** Lets streams pass the present. Otherwise they wait up to 10 s for each shard that has no writes. */
  async function advance(): Promise<void> {
    const { operationTime } = await cluster.client.db('admin').command({ appendOplogNote: 1, data: { n: 1 } });
    await cluster.client.db('admin').command({ appendOplogNote: 1, data: { n: 2 } });
    const readConcern = { level: 'majority', afterClusterTime: operationTime };
    await cluster.client.db('config').command({ find: 'shards', readConcern });
  }

  /** Returns the next events of a stream. */
  async function take<T extends Document>(stream: ChangeStream<T>, count: number): Promise<ChangeStreamDocument<T>[]> {
    const events: ChangeStreamDocument<T>[] = [];
    const isComplete = async () => {
      const event = await stream.tryNext();
      if (event) events.push(event);
      else await advance();
      return events.length >= count;
    };
    await eventually(isComplete, { what: `${count} events` });
    return events;
  }

  test(`show each change once and in order while ${MOVES} chunks move, and again after a resume`, async () => {
    await cluster.shardCollection('shop.moving', { _id: 'hashed' }, { numInitialChunks: 4 });
    await using stream = counters('moving').watch([], { maxAwaitTimeMS: 50 });
    await stream.tryNext();
    await using mover = cluster.mover('shop.moving');
    const written: string[] = [];
    const write = async (_id: number) => {
      await counters('moving').insertOne({ _id, count: 0 });
      await counters('moving').updateOne({ _id }, { $inc: { count: 1 } });
      if (_id % 3 === 0) await counters('moving').deleteOne({ _id });
      written.push(`insert ${_id}`, `update ${_id}`, ...(_id % 3 === 0 ? [`delete ${_id}`] : []));
    };
    let next = 0;
    const enough = async () => {
      // Two writers, so that changes of both shards interleave.
      await Promise.all([write(next), write(next + 1)]);
      next += 2;
      return mover.moves >= MOVES;
    };
    await eventually(enough, { what: `${MOVES} moves of chunks`, deadlineMs: 600_000 });
    await mover.stop();
    const events = await take(stream, written.length);
    assert.deepEqual(events.map(nameOf).sort(), written.sort());
    assertOrdered(events);
    assert.equal(await stream.tryNext(), null);

    const middle = Math.floor(events.length / 2);
    await using resumed = counters('moving').watch([], { resumeAfter: events[middle]?._id, maxAwaitTimeMS: 50 });
    const rest = events.slice(middle + 1);
    assert.deepEqual((await take(resumed, rest.length)).map(nameOf), rest.map(nameOf));
  });

  test('show changes of the catalog and of all shards in a stream of the whole cluster', async () => {
    await using stream = cluster.client.watch([], { showExpandedEvents: true, maxAwaitTimeMS: 50 });
    await stream.tryNext();
    await cluster.shardCollection('shop.split', { _id: 1 });
    await cluster.split('shop.split', { _id: 0 });
    await cluster.move('shop.split', { _id: 0 }, 'shard1');
    await counters('split').insertMany([-1, 1].map((_id) => ({ _id, count: 0 })));
    await counters('plain').insertOne({ _id: 5, count: 0 });
    const operations: string[] = [];
    const seenAll = async () => {
      const event = await stream.tryNext();
      if (event) operations.push(nameOf(event));
      else await advance();
      return operations.includes('insert 5');
    };
    await eventually(seenAll, { what: 'the last insert' });
    // The first chunk of a shard comes with `kNewShardDetected`, an event for routers alone.
    const expected = ['create', 'shardCollection', 'insert -1', 'insert 1', 'create', 'insert 5'];
    assert.deepEqual(
      operations.filter((name) => expected.includes(name)),
      expected,
    );
    assert.ok(!operations.includes('kNewShardDetected'));
  });

  test('look up documents on whichever shard has them', async () => {
    await cluster.shardCollection('shop.looked', { _id: 1 });
    await counters('looked').insertMany(identified(2, { count: 0 }));
    await cluster.split('shop.looked', { _id: 1 });
    await using stream = counters('looked').watch([], { fullDocument: 'updateLookup', maxAwaitTimeMS: 50 });
    await stream.tryNext();
    await counters('looked').updateMany({}, { $inc: { count: 1 } });
    await cluster.move('shop.looked', { _id: 1 }, 'shard1');
    await counters('looked').updateMany({}, { $inc: { count: 1 } });
    const events = await take(stream, 4);
    const looked = events.map((event) => ('fullDocument' in event ? event.fullDocument : undefined));
    for (const _id of [0, 1]) {
      const [first, ...later] = looked.filter((document) => document?._id === _id);
      // A document is looked up when its event is read, which may be before the next change.
      assert.ok(first?.count === 1 || first?.count === 2);
      assert.deepEqual(later, [{ _id, count: 2 }]);
    }
  });

  test('pass a note at once when the config server is read at its time', async () => {
    const admin = cluster.client.db('admin');
    const aggregate = { aggregate: 1, pipeline: [{ $changeStream: { allChangesForCluster: true } }], cursor: {} };
    const { cursor } = await admin.command(aggregate);
    const { operationTime } = await admin.command({ appendOplogNote: 1, data: { n: 1 } });
    await admin.command({ appendOplogNote: 1, data: { n: 2 } });
    const readConcern = { level: 'majority', afterClusterTime: operationTime };
    await cluster.client.db('config').command({ find: 'shards', readConcern });
    const getMore = { getMore: cursor.id, collection: '$cmd.aggregate', maxTimeMS: 50 };
    const hasPassed = async () => {
      const reply = await admin.command(getMore);
      return timeOf(reply.cursor.postBatchResumeToken) >= operationTime.toBigInt();
    };
    await eventually(hasPassed, { what: 'the stream to pass the note' });
  });

  test('show the documents of a shard that joined after they were opened', async () => {
    await using stream = cluster.client.watch([], { maxAwaitTimeMS: 50 });
    await stream.tryNext();
    const { name } = await cluster.addShard();
    await cluster.createDatabase('late', name);
    const late = cluster.client.db('late').collection<Counter>('documents');
    await late.insertMany(identified(3, { count: 0 }));
    await counters('plain').insertOne({ _id: 9, count: 0 });
    const names = (await take(stream, 4)).map(nameOf);
    assert.deepEqual(names, ['insert 0', 'insert 1', 'insert 2', 'insert 9']);
  });
});

function nameOf(event: ChangeStreamDocument<Document>): string {
  return 'documentKey' in event ? `${event.operationType} ${event.documentKey._id}` : event.operationType;
}

function assertOrdered(events: readonly ChangeStreamDocument<Document>[]): void {
  const times = events.map(({ clusterTime }) => clusterTime?.toBigInt() ?? 0n);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  );
  const order = new Map<string, string>();
  for (const event of events) {
    const [operation = '', id = ''] = nameOf(event).split(' ');
    order.set(id, `${order.get(id) ?? ''} ${operation}`);
  }
  for (const [id, operations] of order) {
    assert.equal(operations, Number(id) % 3 === 0 ? ' insert update delete' : ' insert update');
  }
}

/** Returns the cluster time of a resume token. */
function timeOf({ _data }: Document): bigint {
  return BigInt(`0x${String(_data).slice(2, 18)}`);
}
