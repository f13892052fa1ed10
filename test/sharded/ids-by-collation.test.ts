import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { hurried, shardInTwo } from './sharded-shop.ts';

interface Person {
  _id: string;
  region: string;
}

test('_ids on two shards that only the collation takes as equal quarantine their collection, and nothing is lost', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  const [first] = source.shards;
  await source.createDatabase('shop', first?.name ?? '');
  const shop = source.client.db('shop');
  await shop.createCollection('people', { collation: { locale: 'en', strength: 2 } });
  const simple = { collation: { locale: 'simple' } };
  await shop.collection('people').createIndex({ region: 1 }, simple);
  await shardInTwo(source, 'shop.people', { region: 'b' }, simple);
  const people = shop.collection<Person>('people');
  await people.insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: `p${n}`, region: n % 2 ? 'asia' : 'europe' })));

  await people.insertOne({ _id: 'P7', region: 'europe' });
  await using running = RunningMigration.start({ source, destination }, { clock: hurried });
  const reason = () => {
    const found = running.migration.current.collections()?.find(({ namespace }) => namespace === 'shop.people');
    return found?.state === 'QUARANTINED' ? (found.reason ?? '') : '';
  };
  await running.until('the copy to meet it', () => reason() !== '');
  assert.match(reason(), /shop\.people .* on two shards/);
  for (const shown of ['"_id":"p7","region":"asia"', '"_id":"P7","region":"europe"']) {
    assert.ok(reason().includes(shown), reason());
  }
  assert.equal(running.progress.readyForCutover, false);

  await people.deleteOne({ _id: 'P7', region: 'europe' }, simple);
  await running.untilReady();
  await people.insertOne({ _id: 'P8', region: 'asia' });
  await running.until('the change to meet it', () => /P8/.test(reason()));
  await people.deleteOne({ _id: 'p8', region: 'europe' }, simple);
  await running.commit();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
  const copied = destination.client.db('shop').collection<Person>('people');
  assert.equal((await copied.findOne({ _id: 'p8' }))?._id, 'P8');
});
