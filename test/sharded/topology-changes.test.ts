import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { holdAt, onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdenticalOnShards } from '../support/documents-on-shards.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { newShop, ordersOf } from './sharded-shop.ts';

suite('a cluster whose collections get other keys and places while they are written to', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;

  before(async () => {
    source = resources.use(await startShardedCluster({ routers: 2 }));
    destination = resources.use(await startReplicaSet());
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, 1_000);
    await source.client.db('shop').collection<{ _id: number }>('plain').insertMany(identified(1_000));
    await ordersOf(source).createIndex({ _id: 1, n: 1 });
  });

  const admin = (command: object) => source.client.db('admin').command(command);
  const changes = {
    refineCollectionShardKey: () => admin({ refineCollectionShardKey: 'shop.orders', key: { _id: 1, n: 1 } }),
    movePrimary: () => admin({ movePrimary: 'shop', to: source.shards[1]?.name }),
    reshardCollection: () => admin({ reshardCollection: 'shop.orders', key: { n: 1 } }),
  };
  /** Writes that fail, as some do while a collection gets another key, may have happened or not. Both sides must agree. */
  const write = () => {
    let n = 0;
    const plain = source.client.db('shop').collection<{ _id: number; n: number }>('plain');
    const orders = ordersOf(source);
    const writing = runInBackground(async () => {
      n += 1;
      await orders.insertOne({ _id: 10_000 + n, n }).catch(() => undefined);
      await orders.deleteOne({ _id: (n * 7) % 1_000 }).catch(() => undefined);
      await plain.updateOne({ _id: (n * 7) % 1_000 }, { $set: { n } }).catch(() => undefined);
    });
    const someMore = async () => {
      const until = n + 10;
      await eventually(() => n >= until, { what: 'some writes' });
    };
    return { someMore, [Symbol.asyncDispose]: async () => void (await writing.stop()) };
  };

  for (const [name, change] of Object.entries(changes)) {
    test(`${name} during the copy ends as on the source`, async () => {
      using held = holdAt('engine.copy.batch-acknowledged', { after: 2 });
      await using running = RunningMigration.start({ source, destination }, { partitionBytes: 4_000 });
      await held.reached;
      {
        await using writing = write();
        await change();
        await writing.someMore();
        held.release();
        await running.untilReady();
      }
      await running.commit();
      assert.equal(await running.outcome, 'COMMITTED');
      await expectIdentical({ source, destination });
      await expectIdenticalOnShards({ source, destination });
    });

    // test/sharded/resharding.test.ts has that of a resharding.
    if (name === 'reshardCollection') continue;
    test(`${name} right before the block, with writers until the block, ends as on the source`, async () => {
      await using running = RunningMigration.start({ source, destination });
      await running.untilReady();
      const followed = () =>
        running.migration.current.collections()?.find(({ namespace }) => namespace === 'shop.orders')?.id;
      const before = followed();
      assert.ok(before);
      using changed = onceAt('engine.cutover.about-to-block', change);
      {
        await using writing = write();
        await writing.someMore();
        running.steering.cutOver();
        assert.equal(await running.outcome, 'COMMITTED');
      }
      await changed.result;
      // Neither of these changes concerns a sharded collection.
      assert.equal(followed(), before);
      await expectIdentical({ source, destination });
      await expectIdenticalOnShards({ source, destination });
    });
  }
});
