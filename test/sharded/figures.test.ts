import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { MongoClient } from 'mongodb';
import { preflight } from '../../src/engine/index.ts';
import { connectCluster } from '../../src/engine/mongodb/connect.ts';
import { shardsOf } from '../../src/engine/mongodb/shard-clients.ts';
import { listShards } from '../../src/engine/mongodb/sharding.ts';
import { newId, silentLogger } from '../../src/platform/index.ts';
import { holdAt } from '../engine/reach-points.ts';
import { RunningMigration } from '../engine/running-migration.ts';
import { eventually } from '../support/eventually.ts';
import { rolesOnSharded } from '../support/least-privilege.ts';
import { type ReplicaSet, startReplicaSet } from '../support/replica-set.ts';
import { identified } from '../support/seeds.ts';
import { type ShardedCluster, startShardedCluster } from '../support/sharded-cluster.ts';
import { runInBackground } from './background.ts';
import { ordersOf, shardInTwo } from './sharded-shop.ts';

suite('figures of the shards of a source', () => {
  const resources = new AsyncDisposableStack();
  let source: ShardedCluster;
  let destination: ReplicaSet;

  before(async () => {
    source = resources.use(await startShardedCluster({ auth: true, orphanSeconds: 3_600 }));
    destination = resources.use(await startReplicaSet());
    await source.createDatabase('shop', 'shard0');
    await ordersOf(source).insertMany(identified(1_000, { n: 0 }));
    await shardInTwo(source, 'shop.orders', { _id: 400 });
    // A user of the cluster is none of its shards.
    await source.createUser('monitor', 'secret', await rolesOnSharded(source));
    await source.shards[0]?.createUser('monitor', 'secret', ['clusterMonitor']);
  });

  after(() => resources.disposeAsync());

  const monitor = () => source.uriFor('monitor', 'secret');
  const connected = async (uri: string) => resources.use(await connectCluster({ uri }, 'source'));
  test('documents of a sharded source are read where its routers decide', async () => {
    const refused = { code: 'WEAK_CONNECTION_OPTION', message: /readPreference behind mongos/ };
    await assert.rejects(connected(`${monitor()}&readPreference=secondaryPreferred`), refused);
  });

  const answersOf = async (client: MongoClient) => {
    const answers = await shardsOf(client).ask((shard) => shard.db('admin').command({ ping: 1 }));
    return Object.fromEntries(answers.map((one) => [one.shard, 'value' in one ? 'answers' : one.unseen.why]));
  };

  test('the plan names the shards whose oplogs it cannot read, and the shortest of the others', async () => {
    const check = async (uri: string) => {
      const options = { migrationId: newId(), dropDestination: false, logger: silentLogger };
      const found = await preflight({ ...options, source: { uri }, destination: { uri: destination.uri } });
      assert.deepEqual(
        found.filter(({ code }) => code.startsWith('CHECK_')),
        [],
      );
      return found.find(({ code }) => code === 'SHARD_OPLOGS_UNSEEN')?.message;
    };
    assert.match((await check(monitor())) ?? '', /: shard1 \(the user cannot log in there\)\. So/);
    assert.equal(await check(source.uri), undefined);
  });

  test('a run shows the headroom, the rates and the ping of each shard, and of all together only when it sees all', async () => {
    await using partly = RunningMigration.start({ source: { uri: monitor() }, destination });
    await partly.until('a first look at the shards', ({ shards = [] }) => shards.length === 2);
    const [first, second] = partly.progress.shards ?? [];
    assert.ok((first?.oplog?.headroomPercent ?? 0) > 0);
    assert.deepEqual(second, {
      shard: 'shard1',
      whyUnknown: 'the user cannot log in there',
      oplog: null,
      rates: null,
      pingMs: null,
    });
    assert.equal(partly.progress.oplog, null);
    const warned = partly.progress.warnings.filter((warning) => /shard1/.test(warning));
    assert.equal(warned.length, 1, partly.progress.warnings.join('\n'));
    const gate = partly.progress.readiness.find(({ name }) => name === 'OPLOG');
    assert.deepEqual(
      [gate?.state, gate?.reasons.join()],
      ['UNKNOWN', 'how much of the oplog is left is not known, on the shards shard1 (the user cannot log in there)'],
    );
    await partly.steering.cancel(true);
    await partly.outcome;

    await using running = RunningMigration.start({ source, destination }, { dropDestination: true });
    await running.until('the headroom of all', ({ oplog }) => oplog !== null);
    const { oplog, shards = [] } = running.progress;
    assert.ok(oplog !== null && shards.some(({ shard }) => shard === oplog.shard));
    for (const { oplog: of } of shards) {
      assert.ok(of !== null && of.leftSeconds >= oplog.leftSeconds && of.windowSeconds >= oplog.windowSeconds);
    }
    // All on the second shard, so that the first is idle. Many at once, because machines are slow.
    const update = { updateOne: { filter: { _id: 900 }, update: { $inc: { n: 1 } } } };
    const updates = Array.from({ length: 20 }, () => update);
    const writing = runInBackground(async () => void (await ordersOf(source).bulkWrite(updates)));
    const rates = () => running.progress.shards?.map((one) => one.rates?.writesPerSecond ?? 0) ?? [];
    const lags: number[] = [];
    await running.untilReady();
    await running.until('rates of the busy shard', ({ lagSeconds }) => {
      if (lagSeconds !== null) lags.push(lagSeconds);
      const [idle = 0, busy = 0] = rates();
      return busy > 5 && busy > 2 * idle;
    });
    // A change that the destination doesn't take is lag, whatever the idle shard says.
    using held = holdAt('engine.apply.batch-taken');
    await running.until('the lag to be told', ({ lagSeconds }) => (lagSeconds ?? 0) >= 7);
    held.release();
    await running.until('the lag to be small again', ({ lagSeconds }) => (lagSeconds ?? 7) <= 6);
    await writing.stop();
    assert.equal(running.progress.copy.documentsTotal, 1_000, 'without what the chunk left on its former shard');
    // An idle shard reports its time by itself every 10 s only.
    assert.ok(Math.max(...lags) <= 6, `a lag of ${Math.max(...lags)} s, although the destination keeps up`);
  });

  test('a shard is seen when it is added, answers again after a restart, and is forgotten when it is removed', async () => {
    const client = await connected(source.uri);
    assert.deepEqual(await answersOf(client), { shard0: 'answers', shard1: 'answers' });
    const added = await source.addShard();
    assert.deepEqual(await answersOf(client), { shard0: 'answers', shard1: 'answers', shard2: 'answers' });
    await added.members[0]?.kill();
    const silent = await answersOf(client);
    assert.deepEqual({ ...silent, shard2: '' }, { shard0: 'answers', shard1: 'answers', shard2: '' });
    assert.notEqual(silent.shard2, 'answers');
    await added.members[0]?.restart();
    await eventually(async () => (await answersOf(client)).shard2 === 'answers', { what: 'the shard to answer again' });
    const remove = () => source.client.db('admin').command({ removeShard: 'shard2' });
    await eventually(async () => (await remove()).state === 'completed', { what: 'the shard to be removed' });
    assert.deepEqual(await answersOf(client), { shard0: 'answers', shard1: 'answers' });
  });

  test('a server of another cluster at the address of a shard is not taken for it', async () => {
    await using other = await startReplicaSet({ name: 'shard1', auth: true });
    const members = other.members.map(({ port }) => `127.0.0.1:${port}`).join();
    const catalog = source.config.client.db('config').collection<{ _id: string; host: string }>('shards');
    await catalog.updateOne({ _id: 'shard1' }, { $set: { host: `shard1/${members}` } });
    const client = await connected(source.uri);
    const hosts = async () => (await listShards(client)).map((shard) => shard.hosts);
    await eventually(async () => (await hosts()).includes(members), { what: 'the router to read the new address' });
    assert.deepEqual(await answersOf(client), { shard0: 'answers', shard1: 'another server has its address' });
  });
});
