import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '../../src/platform/index.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { expectIdenticalOnShards } from '../support/documents-on-shards.ts';
import { eventually } from '../support/eventually.ts';
import { expectIdentical } from '../support/expect-identical.ts';
import { startReplicaSet } from '../support/replica-set.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { identified } from '../support/seeds.ts';
import { startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { shardInTwo } from './sharded-shop.ts';

interface Item {
  _id: number;
  n: number;
}

const NAMES = ['orders', 'hashed', 'plain'] as const;
const FAULTS = 4;
/** Writes between two faults, so that each meets a migration at work. */
const WRITES = 15;

test('under writers, moving chunks, changes of the catalog and lost servers, the end is byte-equal', async (t) => {
  const seed = Number(process.env.LINKSPAN_TEST_SEED ?? randomInt(2 ** 31));
  t.diagnostic(`LINKSPAN_TEST_SEED=${seed}`);
  const random = new SeededRandom(seed);
  await using source = await startShardedCluster({ routers: 2 });
  await using destination = await startReplicaSet();
  await source.createDatabase('shop', source.shards[0]?.name ?? '');
  await shardInTwo(source, 'shop.orders', { _id: 500 });
  await source.shardCollection('shop.hashed', { _id: 'hashed' }, { numInitialChunks: 4 });
  const shop = source.client.db('shop');
  for (const name of NAMES) await shop.collection<Item>(name).insertMany(identified(1_000, { n: 0 }));

  let written = 0;
  const write = async () => {
    const items = shop.collection<Item>(random.pick(NAMES));
    const _id = random.integer(1_500);
    const kind = random.weighted({ put: 3, change: 3, remove: 1 });
    if (kind === 'put') await items.updateOne({ _id }, { $set: { n: written } }, { upsert: true });
    else if (kind === 'change') await items.updateOne({ _id }, { $inc: { n: 1 } });
    else await items.deleteOne({ _id });
  };
  // A server may be down. A write without an acknowledgement may be there or not, and both sides must agree.
  const writing = runInBackground(async () => {
    await write().catch(() => undefined);
    written += 1;
  });
  await using moving = source.mover('shop.orders', 'shop.hashed');

  const migrationId = newId();
  const start = () => RunningMigration.start({ source, destination }, { migrationId, waitForClusters: true });
  let running = start();
  const faults = {
    engine: async () => {
      await running.stop();
      running = start();
    },
    router: async () => {
      const router = random.pick(source.routers);
      await router.kill();
      await router.restart();
    },
    shard: async () => {
      const member = random.pick(source.shards).members[0];
      await member?.kill();
      await member?.restart();
    },
    catalog: async () => {
      const name = `extra${random.integer(3)}`;
      await shop.collection<Item>(name).insertOne({ _id: written, n: 0 });
      await shop.collection(name).createIndex({ n: 1 });
      if (random.next() < 0.5) await shop.dropCollection(name);
    },
  };
  const drawn: string[] = [];
  for (let n = 0; n < FAULTS; n += 1) {
    const until = written + WRITES;
    await eventually(() => written >= until, { what: 'some writes' });
    const kind = random.weighted({ engine: 2, router: 2, shard: 2, catalog: 3 });
    drawn.push(kind);
    // The catalog can't change while a shard is down.
    await eventually(() => faults[kind]().then(() => true), { what: kind });
  }
  t.diagnostic(`${drawn.join(', ')}; ${written} writes, ${moving.moves} moves`);
  await moving.stop();
  await writing.stop();
  await using last = running;
  await last.commit();
  assert.equal(await last.outcome, 'COMMITTED');
  await expectIdentical({ source, destination });
  await expectIdenticalOnShards({ source, destination });
});
