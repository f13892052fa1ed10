import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterVerification } from '../../src/engine/compare-clusters/cluster-verification.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { differencesOfShards } from '../support/documents-on-shards.ts';
import { idBytesOf } from '../support/raw-document.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';

test('linkspan verify compares a sharded source without orphans, and names an _id that is on two shards', async () => {
  // Documents that moved away stay on their former shard for the whole test.
  await using source = await startShardedCluster({ orphanSeconds: 600 });
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  const people = Array.from({ length: 500 }, (_, n) => ({ _id: n, region: n % 2 ? 'asia' : 'europe' }));
  const customersOf = ({ client }: Pick<typeof destination, 'client'>) =>
    client.db('shop').collection<{ _id: number; region: string }>('customers');
  await source.shardCollection('shop.customers', { region: 1 });
  await customersOf(source).insertMany(people);
  await source.split('shop.customers', { region: 'b' });
  await source.move('shop.customers', { region: 'europe' }, source.shards[1]?.name ?? '');
  await customersOf(destination).insertMany(people);
  await customersOf(destination).createIndex({ region: 1 });

  for (const { client } of [source, destination]) {
    const ring = await client.db('shop').createCollection<{ _id: number }>('ring', { capped: true, size: 65_536 });
    await ring.insertMany(identified(300));
  }
  const verify = () => {
    const addresses = { source: { uri: source.uri }, destination: { uri: destination.uri } };
    return new ClusterVerification({ ...addresses, settleMs: 500, logger: silentLogger }).run(
      AbortSignal.timeout(60_000),
    );
  };
  // Asks no router.
  const onShards = () => differencesOfShards(source, destination.client);
  const customer = `shop.customers ${idBytesOf(123)}`;
  const equal = await verify();
  assert.equal(equal.report.result, 'EQUAL');
  const all = source.shards.map(({ client }) => customersOf({ client }).countDocuments());
  assert.deepEqual(await Promise.all(all), [500, 250]);
  assert.deepEqual(await onShards(), []);
  await customersOf(destination).updateOne({ _id: 123 }, { $set: { region: 'africa' } });
  assert.equal((await verify()).report.result, 'DIFFERENT');
  assert.deepEqual(await onShards(), [`the destination does not have ${customer} as on its shard`]);
  await customersOf(destination).updateOne({ _id: 123 }, { $set: { region: 'asia' } });
  await customersOf(source).insertOne({ _id: 123, region: 'europe' });
  await assert.rejects(verify(), { code: 'ID_ON_TWO_SHARDS', message: /shop\.customers .* _id 123 on two shards/ });
  assert.ok((await onShards()).includes(`two shards have ${customer}`));
});
