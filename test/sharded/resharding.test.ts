import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import type { CollectionInfo } from 'mongodb';
import { onceAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { newShop } from './sharded-shop.ts';

suite('resharding, which no change stream shows, and movePrimary', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;

  before(async () => {
    source = resources.use(await startShardedCluster());
    destination = resources.use(await startReplicaSet());
    // By default it takes at least five minutes.
    await reshardingTakes(0);
  });

  after(() => resources.disposeAsync());

  beforeEach(async () => {
    await newShop(source, destination, 100);
  });

  const reshardingTakes = async (reshardingMinimumOperationDurationMillis: number) => {
    const parameters = { setParameter: 1, reshardingMinimumOperationDurationMillis };
    for (const { client } of [source.config, ...source.shards]) await client.db('admin').command(parameters);
  };
  const reshard = async () => {
    await source.client.db('admin').command({ reshardCollection: 'shop.orders', key: { n: 1 } });
  };
  const uuidOf = async () => {
    const [entry] = await source.client.db('shop').listCollections({ name: 'orders' }, { nameOnly: false }).toArray();
    return (entry as CollectionInfo).info?.uuid?.toString('hex');
  };
  const followed = (running: RunningMigration) => running.migration.current.collections()?.map(({ id }) => id);

  test('an idle collection that is resharded is copied anew within seconds', async () => {
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    await reshard();
    const uuid = await uuidOf();
    await running.until('the new collection', () => followed(running)?.includes(uuid ?? '') === true);
    await running.commit();
    await expectIdentical({ source, destination });
  });

  test('movePrimary, with a create and a drop that are none, loses and doubles nothing', async () => {
    const plain = source.client.db('shop').collection<{ _id: number; n?: number }>('plain');
    await plain.insertMany(identified(50));
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    await source.client.db('admin').command({ movePrimary: 'shop', to: source.shards[1]?.name });
    await plain.updateOne({ _id: 7 }, { $set: { n: 1 } });
    await plain.deleteOne({ _id: 8 });
    await running.commit();
    await expectIdentical({ source, destination });
  });

  test('a collection that is resharded right before the block puts the cutover off until it is copied anew', async () => {
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    using _ = onceAt('engine.cutover.about-to-block', reshard);
    running.steering.cutOver();
    assert.equal(await running.outcome, 'COMMITTED');
    assert.deepEqual(followed(running), [await uuidOf()]);
    await expectIdentical({ source, destination });
  });

  test('no block is set while a collection is being resharded, which it would wait for', async () => {
    await using running = RunningMigration.start({ source, destination });
    await running.untilReady();
    await reshardingTakes(10_000);
    const resharding = reshard();
    const reshardings = source.client.db('config').collection('reshardingOperations');
    await eventually(() => reshardings.findOne(), { what: 'the resharding to begin' });
    running.steering.cutOver();
    const isWaiting = ({ waiting }: typeof running.progress) =>
      waiting.some(({ reason }) => reason === 'shop.orders is being resharded');
    await running.until('the cutover to wait', isWaiting);
    await source.client.db('shop').collection<{ _id: number; n: number }>('orders').insertOne({ _id: 1_000, n: 1 });
    await resharding;
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical({ source, destination });
  });
});
