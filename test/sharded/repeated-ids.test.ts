import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { hurried, shardInTwo } from './sharded-shop.ts';

interface Customer {
  _id: number;
  region: string;
  name: string;
}

/** Starts a cluster that has customers of Asia on the first shard, and those of Europe on the second one. */
async function startShop(): Promise<ShardedCluster> {
  const source = await startShardedCluster();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.customers', { region: 'b' });
  const people = Array.from({ length: 100 }, (_, n) => ({ _id: n, region: n % 2 ? 'asia' : 'europe', name: `n${n}` }));
  await customersOf(source).insertMany(people);
  await source.client.db('shop').collection<{ _id: number }>('goods').insertMany(people);
  return source;
}

const customersOf = ({ client }: ShardedCluster) => client.db('shop').collection<Customer>('customers');

function reasonOf(running: RunningMigration, namespace: string): string | null | undefined {
  const found = running.migration.current.collections()?.find((one) => one.namespace === namespace);
  return found?.state === 'QUARANTINED' ? found.reason : undefined;
}

test('an _id on two shards quarantines its collection by name, with both shard keys, and nothing is lost', async () => {
  await using source = await startShop();
  await using destination = await startReplicaSet();
  const customers = customersOf(source);

  // Before the copy, in the middle and at the end of what is read.
  await customers.insertMany([
    { _id: 40, region: 'asia', name: 'second' },
    { _id: 98, region: 'asia', name: 'last' },
  ]);
  await using running = RunningMigration.start({ source, destination }, { clock: hurried });
  await running.until('the copy to meet it', () => reasonOf(running, 'shop.customers') !== undefined);
  const reason = reasonOf(running, 'shop.customers') ?? '';
  assert.match(reason, /shop\.customers .* _id (40|98) on two shards/);
  assert.match(reason, /\{"region":"asia"\} and \{"region":"europe"\}|\{"region":"europe"\} and \{"region":"asia"\}/);
  const goods = () => running.migration.current.collections()?.find(({ namespace }) => namespace === 'shop.goods');
  await running.until('the other collection to be done', () => goods()?.state === 'DONE');
  assert.equal(running.progress.readyForCutover, false);

  await customers.deleteMany({ _id: { $in: [40, 98] }, region: 'asia' });
  await running.untilReady();

  // While it is followed: the event alone would look like a plain insert.
  await customers.insertOne({ _id: 7, region: 'europe', name: 'late' });
  await running.until('the change to meet it', () => /_id 7 /.test(reasonOf(running, 'shop.customers') ?? ''));
  // The document that stays is the other one.
  await customers.deleteOne({ _id: 7, region: 'asia' });
  await running.untilReady();

  // The delete of the first document comes after the insert of the second one, which stays.
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  await customers.insertOne({ _id: 9, region: 'europe', name: 'moved by hand' });
  await customers.deleteOne({ _id: 9, region: 'asia' });
  running.steering.resume();
  await running.commit();
  await expectIdentical({ source, destination });
  assert.equal(
    (await destination.client.db('shop').collection<Customer>('customers').findOne({ _id: 7 }))?.name,
    'late',
  );
});
