import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { preflight } from '../../src/engine/index.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdenticalOnShards } from '../support/documents-on-shards.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

// id: chunks-move
test('a sharded cluster is migrated live while chunks move, byte-equal, and its writers are blocked', async () => {
  await using source = await startShardedCluster();
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  const shop = source.client.db('shop');
  await shop.collection<{ _id: number; n: number }>('plain').insertMany(identified(300, { n: 0 }));
  // A shard can't read a capped collection at the time of a snapshot.
  const ring = await shop.createCollection<{ _id: number }>('ring', { capped: true, size: 65_536 });
  await ring.insertMany(identified(300));
  const orders = ordersOf(source);
  await orders.createIndex({ n: -1 });
  await orders.insertMany(identified(1_000, { n: 0 }));
  await shardInTwo(source, 'shop.orders', { _id: 500 });

  const findings = await preflight({
    migrationId: newId(),
    source: { uri: source.uri },
    destination: { uri: destination.uri },
    dropDestination: false,
    logger: silentLogger,
  });
  const codes = findings.map(({ code }) => code);
  for (const code of ['SHARDED_SOURCE_EXPERIMENTAL', 'UNSTREAMED_WRITES_UNSEEN']) assert.ok(codes.includes(code), code);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'ERROR'),
    [],
  );
  assert.deepEqual(
    findings.filter(({ code }) => code.startsWith('CHECK_')),
    [],
  );

  let written = 0;
  let moves = 0;
  const move = async () => {
    await source.move('shop.orders', { _id: 700 }, source.shards[moves % 2]?.name ?? '');
    moves += 1;
  };
  let moving = Promise.resolve();
  await using running = RunningMigration.start({ source, destination });
  const writing = runInBackground(async () => {
    const n = written++;
    await orders.insertOne({ _id: 10_000 + n, n });
    await orders.updateOne({ _id: n % 1_000 }, { $inc: { n: 1 } });
    if (n % 20 === 0) moving = moving.then(move);
    if (n % 5 === 0) await shop.collection<{ _id: number; n: number }>('plain').deleteOne({ _id: n % 300 });
  });
  await running.untilReady();
  await eventually(() => moves >= 4, { what: 'four chunk moves' });
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  const refusal = await writing.ended;
  await moving;
  assert.match(String(refusal), /User writes blocked/);
  await expectIdentical({ source, destination });
  await expectIdenticalOnShards({ source, destination });
  // Another mongos sees the block too, and the source stays closed.
  await using other = new MongoClient(source.uri);
  await assert.rejects(other.db('shop').collection('plain').insertOne({}), /User writes blocked/);
});
