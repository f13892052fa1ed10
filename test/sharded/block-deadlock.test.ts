import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { blockShown, tryToBlockWrites, unblockWrites } from '../../src/engine/mongodb/write-block.ts';
import { openExamined } from '../../src/engine/run/open-clusters.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { eventually } from '../support/eventually.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { type Order, ordersOf, shardInTwo } from './sharded-shop.ts';

const PREPARED = [
  { $currentOp: { allUsers: true, idleSessions: true } },
  { $match: { 'transaction.timePreparedMicros': { $exists: true } } },
];

suite('a write block and a transaction that commits on two shards', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let coordinator: ReplicaSet;
  /** With no more rights than the documentation asks for. */
  let migrator: MongoClient;
  let user: MongoClient;

  before(async () => {
    source = resources.use(await startShardedCluster({ auth: true }));
    const [first] = source.shards;
    assert.ok(first);
    coordinator = first;
    await source.createDatabase('shop', coordinator.name);
    await shardInTwo(source, 'shop.orders', { _id: 50 });
    await ordersOf(source).insertMany(identified(100, { n: 0 }));
    await source.createUser('migrator', 'secret', await rolesOnSharded(source));
    migrator = resources.use(await connectCluster({ uri: source.uriFor('migrator', 'secret') }, 'source'));
    await source.createUser('user', 'secret', ['readWriteAnyDatabase']);
    user = resources.use(new MongoClient(source.uriFor('user', 'secret')));
  });

  after(() => resources.disposeAsync());

  /** Begins a commit that is prepared on both shards, and resumes at `goOn`. */
  async function beginCommit(n: number): Promise<{ goOn: () => Promise<unknown>; committed: Promise<void> }> {
    const set = (mode: 'alwaysOn' | 'off') =>
      coordinator.client.db('admin').command({ configureFailPoint: 'hangBeforeWritingDecision', mode });
    resources.defer(async () => void (await set('off')));
    await set('alwaysOn');
    const transact = async () => {
      await using session = source.client.startSession();
      session.startTransaction();
      for (const _id of [1, 70]) await ordersOf(source).updateOne({ _id }, { $set: { n } }, { session });
      await session.commitTransaction();
    };
    const committed = transact();
    const prepared = () => source.client.db('admin').aggregate(PREPARED).toArray();
    await eventually(async () => (await prepared()).length === 2, { what: 'the commit to be prepared on both shards' });
    return { goOn: () => set('off'), committed };
  }

  async function expectWritten(n: number): Promise<void> {
    const written = await ordersOf(source).find({ n }).toArray();
    assert.deepEqual(
      written.map(({ _id }) => _id).sort((a, b) => a - b),
      [1, 70],
    );
  }

  test('both come to an end', async () => {
    const { goOn, committed } = await beginCommit(1);
    let asked = 0;
    const block = await tryToBlockWrites(migrator, 0, async () => {
      asked += 1;
      // By now the shards wait to block.
      if (asked === 3) await goOn();
    });
    assert.ok(block);
    await committed;
    assert.equal(await blockShown(migrator), 'set');
    await expectWritten(1);
    const orders = user.db('shop').collection<Order>('orders');
    for (const _id of [1, 70]) await assert.rejects(orders.updateOne({ _id }, { $set: { n: 3 } }), { code: 371 });
    await unblockWrites(migrator);
  });

  test('a migration can start, though the client that began to set the block is gone', async () => {
    const { goOn, committed } = await beginCommit(3);
    const block = { setUserWriteBlockMode: 1, global: true, maxTimeMS: 100 };
    await assert.rejects(migrator.db('admin').command(block), { code: 50 });
    await goOn();
    await using destination = await startReplicaSet();
    const address = { source: { uri: source.uriFor('migrator', 'secret') }, destination: { uri: destination.uri } };
    const { clusters } = await openExamined({
      ...address,
      migrationId: newId(),
      dropDestination: false,
      confirmDrops: false,
      logger: silentLogger,
    });
    assert.ok(clusters);
    await Promise.all([clusters.source.close(), clusters.destination.close()]);
    await committed;
    await unblockWrites(migrator);
  });

  test('the block can be lifted, though the client that began to set it is gone', async () => {
    const { goOn, committed } = await beginCommit(2);
    const block = { setUserWriteBlockMode: 1, global: true, maxTimeMS: 100 };
    await assert.rejects(migrator.db('admin').command(block), { code: 50 });
    await goOn();
    const isLifted = async () => {
      await unblockWrites(migrator);
      return true;
    };
    await eventually(isLifted, { what: 'the block to be lifted' });
    await committed;
    assert.equal(await blockShown(migrator), 'none');
    await expectWritten(2);
    await user
      .db('shop')
      .collection<Order>('orders')
      .updateOne({ _id: 70 }, { $set: { n: 3 } });
  });
});
