import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified, numbered } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const measurements = (count: number, sensor: string) =>
  Array.from({ length: count }, (_, n) => ({ at: new Date(NOON + n * 60_000), sensor, value: n }));

test('every kind of collection, zones, and users are migrated from a sharded cluster, with changes while it is followed', async () => {
  await using source = await startShardedCluster({ auth: true });
  await using destination = await startReplicaSet({ auth: true });
  const [first, second] = source.shards;
  await source.createDatabase('kinds', first?.name ?? '');
  const db = source.client.db('kinds');
  const admin = source.client.db('admin');
  await db.createCollection('capped', { capped: true, size: 100_000, max: 30 });
  const timeseries = { timeField: 'at', metaField: 'sensor' } as const;
  await db.createCollection('series', { timeseries });
  await source.shardCollection('kinds.sharded series', { sensor: 1 }, { timeseries });
  await db.createCollection('clustered', { clusteredIndex: { key: { _id: 1 }, unique: true } });
  await source.shardCollection('kinds.clustered', { _id: 1 });
  await db.createCollection('collated', { collation: { locale: 'de', strength: 2 } });
  await db.createCollection('view', { viewOn: 'clustered', pipeline: [{ $match: { n: { $gt: 3 } } }] });
  await source.shardCollection('kinds.zoned', { _id: 1 });
  await admin.command({ addShardToZone: second?.name, zone: 'east' });
  await admin.command({ updateZoneKeyRange: 'kinds.zoned', min: { _id: 50 }, max: { _id: 1_000 }, zone: 'east' });
  await admin.command({ createRole: 'reader', roles: [{ role: 'read', db: 'kinds' }], privileges: [] });
  await source.createUser('clerk', 'secret', ['reader']);

  const write = async (round: number) => {
    const ids = identified(50, { n: round }).map((one) => ({ ...one, _id: one._id + round * 50 }));
    await db.collection('capped').insertMany(numbered(20, { round }));
    for (const name of ['series', 'sharded series']) {
      for (const sensor of ['a', 'z']) await db.collection(name).insertMany(measurements(50, `${sensor}${round}`));
    }
    for (const name of ['clustered', 'zoned']) await db.collection<{ _id: number }>(name).insertMany(ids);
    await db.collection<{ _id: string }>('collated').insertMany(ids.map(({ _id }) => ({ _id: `Ä${_id}` })));
  };
  await write(0);
  await source.setBalancer(true);
  await using running = RunningMigration.start({ source, destination }, { usersAndRoles: true });
  await running.untilReady();
  await write(1);
  await db.collection<{ _id: number }>('zoned').deleteMany({ _id: { $gt: 80 } });
  await db.createCollection('later view', { viewOn: 'zoned', pipeline: [] });
  await source.createUser('late clerk', 'secret', ['reader']);
  await running.commit();
  assert.equal(await running.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
  for (const user of ['clerk', 'late clerk']) {
    await using client = new MongoClient(destination.uriFor(user, 'secret'));
    assert.equal(await client.db('kinds').collection('zoned').countDocuments(), 81);
    await assert.rejects(client.db('kinds').collection('zoned').insertOne({}), { code: 13 });
  }
});
