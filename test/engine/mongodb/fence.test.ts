import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Binary, BSONRegExp, MongoClient, Timestamp, UUID } from 'mongodb';
import type { CheckpointStore } from '../../../src/engine/records/checkpoint-store.ts';
import type { CollectionRecord, PartitionRecord } from '../../../src/engine/records/records.ts';
import { putRecords } from '../../../src/engine/records/write-records.ts';
import { newId, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { LEAST_ROLES, leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { runLinkspan, untilStopped } from '../../support/linkspan-process.ts';
import { type ReplicaSet, startPair, startReplicaSet } from '../../support/replica-set.ts';
import { emptyCluster, identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';
import { takeMigration } from '../taken-migration.ts';

checkForLeaks({ sockets: false });

// id: stopped-process-writes-nothing
test('a process that is stopped before it sends a batch, and resumes after another has ended the migration, writes nothing', async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertMany(identified(100));
  const uris = ['--cluster0', pair.source.uri, '--cluster1', pair.destination.uri];
  const arguments_ = ['sync', '--once', '--no-verify', '--take-over', ...uris];
  await using stopped = runLinkspan(arguments_, { hook: 'engine.write.insert.orders=stop' });
  await untilStopped(stopped);
  await orders.deleteMany({ _id: { $mod: [2, 1] } });
  await using successor = runLinkspan(arguments_);
  assert.deepEqual(await successor.exit, { code: 0, signal: null }, successor.stderr);
  // It ends with that batch, and does not carry out the deletes as well.
  stopped.kill('SIGTERM');
  stopped.kill('SIGCONT');
  assert.equal((await stopped.exit).code, 1);
  assert.match(stopped.stderr, /TAKEN_OVER/);
  await expectIdentical(pair);
  const [record] = await pair.destination.client.db('linkspan_internal').collection('migrations').find().toArray();
  assert.equal(record?.state, 'COMMITTED', "it has not put its own failure in the successor's place");
});

test('an engine that is held up just before it applies a change does not write it after another took over, with least privileges', {
  skip: needsSource('6.0', 'its writers have to be stopped before the cutover'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  const clusters = await leastPrivilegeUsers(pair);
  const orders = source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertOne({ _id: 1 });
  const migrationId = newId();
  await using held = RunningMigration.start(clusters, { migrationId });
  await held.untilReady();
  using point = holdAt('engine.write.insert.orders', { times: 1 });
  await orders.insertOne({ _id: 2 });
  await point.reached;
  await using successor = RunningMigration.start(clusters, { migrationId });
  await successor.untilReady();
  await orders.deleteOne({ _id: 2 });
  await successor.commit();
  // It ends with that write, and does not carry out the delete as well.
  const ended = held.stop();
  point.release();
  await assert.rejects(ended, { code: 'TAKEN_OVER' });
  await expectIdentical({ source, destination });

  await destination.createUser('another', 'secret', LEAST_ROLES.destination);
  const asAnother = { ...clusters, destination: { uri: destination.uriFor('another', 'secret') } };
  await using third = RunningMigration.start(asAnother, { migrationId });
  assert.equal(await third.outcome, 'COMMITTED');
  assert.match(third.progress.warnings.join(), /wrote as user admin\.writer\./, 'sessions of another user are others');
});

test('a migration whose collections another client dropped on the destination does not commit, and the source is open again', async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertOne({ _id: 1 });
  // The verification would see it, too, but not in the last moment.
  await using running = RunningMigration.start(pair, { verification: 'OFF' });
  await running.untilReady();
  // Stands for a late command that no UUID pins.
  await pair.destination.client.db('shop').dropDatabase();
  await assert.rejects(running.commit(), { code: 'NAMESPACE_CONFLICT' });
  await orders.insertOne({ _id: 2 });
});

test('a drop that an engine sends after it lost the migration does not meet what took the name', {
  skip: needsSource('6.0', 'its catalog has to stand still'),
}, async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertOne({ _id: 1 });
  const migrationId = newId();
  await using held = RunningMigration.start(pair, { migrationId });
  await held.untilReady();
  using point = holdAt('engine.change.drop', { times: 1 });
  await orders.drop();
  await point.reached;
  await orders.insertOne({ _id: 2 });
  await syncOnce(pair, { migrationId });
  // Not stopped before: a stopped engine may send nothing any more.
  point.release();
  await assert.rejects(held.outcome, { code: 'TAKEN_OVER' });
  await expectIdentical(pair);
});

test('a source stays closed when only the acknowledgement of the point of no return was lost', {
  skip: needsSource('6.0', 'it has no write block'),
}, async () => {
  await using pair = await startPair();
  const orders = pair.source.client.db('shop').collection<{ _id: number }>('orders');
  await orders.insertOne({ _id: 1 });
  const migrations = pair.destination.client.db('linkspan_internal').collection('migrations');
  using _ = onFailpoint('engine.cutover.announced', async () => {
    await migrations.updateOne({}, { $set: { 'cutover.committed': true } });
    await pair.destination.failCommand({
      mode: { times: 1 },
      data: {
        failCommands: ['update'],
        namespace: migrations.namespace,
        appName: 'linkspan-destination',
        errorCode: 13,
      },
    });
  });
  const migrationId = newId();
  // The verification would update the record before the commit does.
  await using first = RunningMigration.start(pair, { migrationId, verification: 'OFF' });
  await assert.rejects(first.commit());
  await assert.rejects(orders.insertOne({ _id: 2 }), /User writes blocked/);
  await using second = RunningMigration.start(pair, { migrationId });
  assert.equal(await second.outcome, 'COMMITTED');
  await assert.rejects(orders.insertOne({ _id: 2 }), /User writes blocked/);
});

describe('on one server, which each test empties', () => {
  let set: ReplicaSet;
  before(async () => {
    set = await startReplicaSet();
  });
  after(() => set[Symbol.asyncDispose]());

  test('no record of a migration is changed by an engine that lost it', async (t) => {
    await emptyCluster(set.client);
    const migrationId = newId();
    const u = new UUID();
    const partition: PartitionRecord = {
      _id: { m: migrationId, u, n: 0 },
      low: null,
      high: new Binary(Buffer.of(0x7f)),
      lastId: null,
      documents: 0,
      bytes: 0,
      done: false,
    };
    const collection: CollectionRecord = {
      _id: { m: migrationId, u },
      sourceDatabase: 'shop',
      sourceName: 'orders',
      destinationDatabase: 'shop',
      destinationName: 'orders',
      destinationUuid: null,
      filter: null,
      state: 'copying',
      wasLive: false,
      reordered: false,
      options: new Binary(),
      indexes: [],
      documents: 0,
      bytes: 0,
      readAfter: new Timestamp(0n),
    };
    const view = (n: string) => ({ _id: { m: migrationId, d: 'shop', n }, to: 'shop', definitions: [] });
    const spooled = (key: string) => ({
      _id: { m: migrationId, u, r: new Binary(), k: new Binary(Buffer.from(key)) },
    });
    const lateWrites: Readonly<Record<string, (store: CheckpointStore) => Promise<void>>> = {
      save: (store) => store.save({ state: 'FAILED' }),
      clearError: (store) => store.clearError(false),
      saveCollection: (store) => store.saveCollection({ ...collection, state: 'live' }),
      removeCollection: (store) => store.removeCollection(u),
      saveViews: (store) => store.saveViews([view('late')]),
      removeView: (store) => store.removeView('shop', 'view'),
      planPartitions: (store) => store.planPartitions([{ ...partition, done: true }]),
      removePartitions: (store) => store.removePartitions(u),
      savePartition: (store) => store.savePartition(partition._id, { done: true }),
      addToSpool: (store) => store.addToSpool([spooled('late')]),
      clearSpool: (store) => store.clearSpool(u),
      saveSuspects: (store) => store.saveSuspects([u], 'late'),
      saveCompared: (store) => store.saveCompared(u, 'mark', new Binary(Buffer.of(1))),
      clearSuspect: (store) => store.clearSuspect(u, 'mark'),
      forgetSpool: (store) => store.forgetSpool(),
      forgetCollections: (store) => store.forgetCollections(),
    };
    for (const [name, write] of Object.entries(lateWrites)) {
      await t.test(name, async () => {
        const { checkpoint: late } = await takeMigration(set.client, migrationId);
        const { checkpoint } = await takeMigration(set.client, migrationId);
        await checkpoint.saveCollections([collection]);
        await checkpoint.planPartitions([partition]);
        await checkpoint.saveViews([view('view')]);
        await checkpoint.addToSpool([spooled('key')]);
        await checkpoint.saveSuspects([u], 'mark');
        const before = await recordsOf(set.client);
        await assert.rejects(write(late), { code: 'TAKEN_OVER' });
        assert.deepEqual(await recordsOf(set.client), before);
      });
    }
  });

  test('a successor shuts earlier engines out before it does anything else', async () => {
    await emptyCluster(set.client);
    const migrationId = newId();
    const first = await takeMigration(set.client, migrationId);
    await first.checkpoint.save({ state: 'COPYING' });
    const second = await takeMigration(set.client, migrationId);
    await second.checkpoint.save({ state: 'COPYING' });
    await takeMigration(set.client, migrationId);
    const insert = { insert: 'late', documents: [{ _id: 1 }], writeConcern: { w: 'majority' } };
    await assert.rejects(first.fence.write('d', insert), { code: 'TAKEN_OVER' });
    await assert.rejects(second.fence.change('d', { create: 'late' }), { code: 'TAKEN_OVER' });
    assert.deepEqual(await set.client.db('d').listCollections().toArray(), []);
  });

  test('changes of the catalog that come together share a confirmation, but none that began before they were asked for', async () => {
    await emptyCluster(set.client);
    const { fence, checkpoint } = await takeMigration(set.client, newId());
    const migrations = set.client.db('linkspan_internal').collection('migrations');
    const marks = async () => Number((await migrations.findOne())?.marks ?? 0);
    await checkpoint.save({ state: 'COPYING' });
    const create = (...names: string[]) => Promise.allSettled(names.map((name) => fence.change('d', { create: name })));
    const before = await marks();
    await create('a', 'b', 'c');
    assert.equal(await marks(), before + 1);
    using held = holdAt('engine.fence.marked', { times: 1 });
    const confirmed = create('d');
    await held.reached;
    await takeMigration(set.client, checkpoint.migrationId);
    const late = create('e', 'f');
    held.release();
    await confirmed;
    for (const one of await late) assert.equal(one.status === 'rejected' && one.reason.code, 'TAKEN_OVER');
    const names = (await set.client.db('d').listCollections().toArray()).map(({ name }) => name);
    // An engine that is held up between its confirmation and the change still makes it (docs/adr/0006-fence.md).
    assert.deepEqual(names.toSorted(), ['a', 'b', 'c', 'd']);
  });

  test('a collection is not created before its record is durable, and not at all without the record', async () => {
    await emptyCluster(set.client);
    const { fence } = await takeMigration(set.client, newId());
    let creations = 0;
    using _ = onFailpoint('engine.change.create', () => {
      creations += 1;
    });
    const refused = new Error('the record was refused');
    await assert.rejects(fence.change('d', { create: 'a' }, Promise.reject(refused)), refused);
    using held = holdAt('engine.write.update.collections');
    const recorded = putRecords(fence, 'collections', [{ _id: 'b' }]);
    const created = fence.change('d', { create: 'b' }, recorded);
    await held.reached;
    // The confirmation for the change has ended by then.
    for (const _again of [1, 2]) await fence.confirm();
    assert.equal(creations, 0);
    held.release();
    await created;
    assert.equal(creations, 1);
  });

  test('of engines that take a migration at the same moment one gets it, and the others fail with an error', async (t) => {
    await emptyCluster(set.client);
    for (const what of ['a new migration', 'a migration that had begun']) {
      const migrationId = newId();
      if (what !== 'a new migration') await takeMigration(set.client, migrationId);
      await t.test(what, async () => {
        const taken = await Promise.allSettled(Array.from({ length: 4 }, () => takeMigration(set.client, migrationId)));
        for (const one of taken) if (one.status === 'rejected') assert.equal(one.reason.code, 'TAKEN_OVER');
        const writes = taken.flatMap((one) =>
          one.status === 'fulfilled' ? [one.value.checkpoint.save({ state: 'COPYING' })] : [],
        );
        const written = await Promise.allSettled(writes);
        assert.equal(written.filter(({ status }) => status === 'fulfilled').length, 1);
      });
    }
  });

  test('a write whose answer was lost is done with before it is repeated', async () => {
    await emptyCluster(set.client);
    await using proxy = await startFaultProxy((await set.primary()).port);
    await using client = new MongoClient(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true&retryWrites=false`);
    const { fence } = await takeMigration(client);
    const write = (n: number) =>
      fence.write('d', { update: 'c', updates: [{ q: { _id: 1 }, u: { _id: 1, n }, upsert: true }] });
    await write(1);
    const underWay = () =>
      set.client
        .db('admin')
        .aggregate([{ $currentOp: {} }, { $match: { 'command.update': 'c' } }])
        .toArray();
    await set.failCommand({
      mode: { times: 1 },
      data: { failCommands: ['update'], blockConnection: true, blockTimeMS: 1_500 },
    });
    const lost = write(2);
    lost.catch(() => undefined);
    await eventually(async () => (await underWay()).length > 0, { what: 'the write to arrive' });
    proxy.cut();
    await assert.rejects(lost);
    proxy.restore();
    await write(2);
    await write(3);
    assert.equal((await underWay()).length, 1, 'the first try is still on its way');
    await eventually(async () => (await underWay()).length === 0, { what: 'the first try to be over' });
    const state = async () => (await set.client.db('d').collection('c').findOne())?.n;
    assert.equal(await state(), 3);
    // All sessions in turn: one that was not given back, or got its numbers out of order, would show.
    for (let n = 4; n < 60; n += 1) await write(n);
    assert.equal(await state(), 59);
  });

  test('changes that go together are not committed by an engine that lost the migration meanwhile', async () => {
    await emptyCluster(set.client);
    const migrationId = newId();
    const { fence } = await takeMigration(set.client, migrationId);
    const collection = set.client.db('d').collection<{ _id: number }>('c');
    await collection.insertMany([{ _id: 1 }, { _id: 2 }]);
    const remove = { delete: 'c', deletes: [1, 2].map((_id) => ({ q: { _id }, limit: 1 })) };
    using point = holdAt('engine.write.commit', { times: 1 });
    const late = fence.writeTogether('d', [remove]);
    late.catch(() => undefined);
    await point.reached;
    const { fence: successor } = await takeMigration(set.client, migrationId);
    const put = { update: 'c', updates: [1, 2].map((_id) => ({ q: { _id }, u: { _id, n: 1 } })) };
    assert.equal((await successor.writeTogether('d', [put]))?.[0]?.n, 2, 'what it held is free');
    point.release();
    await assert.rejects(late, { code: 'TAKEN_OVER' });
    assert.equal(await collection.countDocuments({ n: 1 }), 2);
  });

  test('changes that a server does not accept together are left to be sent one by one, and hold nothing', async () => {
    await emptyCluster(set.client);
    const { fence } = await takeMigration(set.client, newId());
    const collection = set.client.db('d').collection<{ _id: number; n: number }>('c');
    await collection.insertOne({ _id: 1, n: 1 });
    await collection.createIndex({ n: 1 }, { unique: true });
    const put = (_id: number, n: number) => ({ q: { _id }, u: { _id, n }, upsert: true });
    const command = { update: 'c', updates: [put(1, 2), put(3, 2)] };
    assert.equal(await fence.writeTogether('d', [command]), undefined);
    const reply = await fence.write('d', { ...command, ordered: false, maxTimeMS: 5_000 });
    assert.equal(reply.writeErrors.length, 1);
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1, n: 2 }]);
  });

  test('a refused write names the duplicate value, also a regular expression that JavaScript rejects', async () => {
    await emptyCluster(set.client);
    const { fence } = await takeMigration(set.client);
    const shop = set.client.db('shop').collection('items');
    const v = new BSONRegExp('(?i)^abc', '');
    await shop.insertOne({ v });
    const reply = await fence.write('shop', { insert: 'items', documents: [{ v }] });
    assert.equal(reply.writeErrors, undefined);
    const unique = { createIndexes: 'items', indexes: [{ key: { v: 1 }, name: 'v', unique: true }] };
    await assert.rejects(fence.change('shop', unique), { code: 11_000 });
    await shop.deleteMany({});
    await shop.insertOne({ v });
    await fence.change('shop', unique);
    const refused = await fence.write('shop', { insert: 'items', documents: [{ v }] });
    assert.deepEqual(refused.writeErrors?.[0].keyValue, { v });
  });

  // id: suspended-engine-asks
  test('an engine that was suspended so long that servers have forgotten its sessions asks before it writes', async () => {
    await emptyCluster(set.client);
    const migrationId = newId();
    let suspendedMs = 0;
    // The clock that no one can set stands still meanwhile.
    const clock = { ...systemClock, now: () => Date.now() + suspendedMs };
    const { fence } = await takeMigration(set.client, migrationId, clock);
    // A successor whose first writes are forgotten, too.
    const migrations = set.client.db('linkspan_internal').collection<{ _id: string }>('migrations');
    await migrations.updateOne({ _id: migrationId }, { $inc: { term: 1 } });
    suspendedMs = 3_600_000;
    await assert.rejects(fence.write('d', { insert: 'c', documents: [{ _id: 1 }] }), { code: 'TAKEN_OVER' });
    assert.equal(await set.client.db('d').collection('c').countDocuments(), 0);
  });
});

async function recordsOf(client: MongoClient): Promise<object> {
  const db = client.db('linkspan_internal');
  const names = ['migrations', 'collections', 'partitions', 'views', 'spool', 'suspects'];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await db.collection(name).find().toArray()] as const)),
  );
}
