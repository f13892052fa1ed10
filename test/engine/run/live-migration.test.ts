import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { leastPrivilegeUsers } from '../../support/least-privilege.ts';
import { startLedgerWriter, USER_WRITES_BLOCKED } from '../../support/ledger-writer.ts';
import { startPair } from '../../support/replica-set.ts';
import { identified, numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

// id: least-privilege-identical
test('a cluster that is written to is migrated by least-privilege users, cuts over and ends identical', {
  skip: needsSource('6.0', 'its writers have to be stopped before the cutover'),
}, async () => {
  await using pair = await startPair({ source: { auth: true }, destination: { auth: true } });
  const { source, destination } = pair;
  const users = await leastPrivilegeUsers(pair);
  for (const set of [source, destination]) await set.createUser('app', 'secret', ['readWriteAnyDatabase']);
  const shop = source.client.db('shop');
  await shop.collection('orders').createIndex({ number: 1 }, { unique: true, sparse: true });
  await shop.collection('orders').createIndex({ at: 1 }, { expireAfterSeconds: 3_600 });
  await shop
    .collection('orders')
    .insertMany(Array.from({ length: 3_000 }, (_, number) => ({ number, text: 'x'.repeat(500), at: new Date() })));
  await shop.createCollection('recent', { viewOn: 'orders', pipeline: [{ $limit: 10 }] });

  await using applications = new AsyncDisposableStack();
  const clients = [source.uriFor('app', 'secret'), destination.uriFor('app', 'secret')].map((uri) =>
    applications.use(new MongoClient(uri)),
  );
  await using writer = await startLedgerWriter({
    clients,
    namespaces: ['shop.orders', 'shop.customers', 'crm.contacts'],
    seed: 11,
    ratePerSecond: 200,
  });
  await using running = RunningMigration.start(users, { copyBytesPerSecond: 1_000_000 });
  await running.untilReady();
  assert.ok((running.progress.oplog?.headroomPercent ?? 0) > 0);
  const before = writer.snapshot().documentsWritten;
  await eventually(() => writer.snapshot().documentsWritten > before + 200, {
    what: 'writes while the migration follows',
  });
  running.steering.cutOver();
  assert.equal(await running.outcome, 'COMMITTED');
  await eventually(() => writer.snapshot().pausesMs.length > 0, { what: 'an accepted write on the destination' });
  const ledger = await writer.stop();

  const { documents } = await expectIdentical({ source, destination }, { except: ledger.writtenOnDestination });
  assert.ok(documents > 3_000);
  assert.ok(running.progress.changes.duringCopy > 0, 'changes came while the collections were being copied');
  assert.ok(running.progress.changes.applied > 0, 'changes were applied');
  assert.equal(running.progress.state, 'COMMITTED');
  assert.equal(running.progress.canWrite, true);
  const [app] = clients;
  await assert.rejects(
    async () => await app?.db('shop').collection('orders').insertOne({ late: true }),
    { code: USER_WRITES_BLOCKED },
    'the source stays blocked: never two writable sides',
  );
});

test('a pause stops everything, and what changed meanwhile is migrated after it', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection<{ _id: number; n?: number }>('items');
  await items.insertMany(identified(500));
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  assert.equal(running.progress.lagSeconds, null);
  const { applied } = running.progress.changes;
  await items.updateMany({}, { $set: { n: 1 } });
  const batch = await pair.source.client.db('admin').command({ ping: 1 });
  assert.equal(batch.ok, 1);
  assert.equal(running.progress.changes.applied, applied);
  running.steering.resume();
  await running.commit();
  await expectIdentical(pair);
});

test('a pause in the middle of the copy sends no further batch, and the copy resumes after it', async () => {
  await using pair = await startPair();
  const filling = 'x'.repeat(8_000);
  const items = pair.source.client.db('shop').collection<{ _id: number; filling?: string }>('items');
  await items.insertMany(identified(2_500, { filling }));
  let looks = 0;
  const sleep = (ms: number, signal?: AbortSignal) => {
    looks += 1;
    return systemClock.sleep(ms, signal);
  };
  await using running = RunningMigration.start(pair, { clock: { ...systemClock, sleep } });
  running.steering.limit({ loadLevel: 1 }); // One batch at a time.
  using acknowledged = holdAt('engine.copy.batch-acknowledged');
  await acknowledged.reached;
  running.steering.pause();
  await running.until('the pause', ({ state }) => state === 'PAUSED');
  const copied = pair.destination.client.db('shop').collection('items');
  const before = await copied.countDocuments();
  acknowledged.release();
  await items.updateOne({ _id: 1 }, { $set: { filling: 'changed' } });
  await items.deleteOne({ _id: 2_499 });
  const until = looks + 20;
  await eventually(() => looks >= until, { what: 'several rounds of the engine' });
  assert.ok(before > 0 && before < 2_500, `${before} documents`);
  assert.equal(await copied.countDocuments(), before);
  assert.equal(running.progress.state, 'PAUSED');
  running.steering.resume();
  await running.commit();
  await expectIdentical(pair);
});

test('a cutover is refused with its reasons while the migration is not ready', async () => {
  await using pair = await startPair();
  const running = RunningMigration.start(pair);
  await using _ = running;
  assert.throws(() => running.steering.cutOver(), {
    code: 'NOT_READY_FOR_CUTOVER',
    message: /not running|copied/,
  });
});

// id: stopped-run-resumes
test('a stopped migration resumes in another run without copying again', async () => {
  await using pair = await startPair();
  const items = pair.source.client.db('shop').collection('items');
  await items.insertMany(Array.from({ length: 2_000 }, () => ({ text: 'x'.repeat(100) })));
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  const { migrationId } = first.progress;
  assert.equal(await first.stop(), 'STOPPED');
  await items.deleteMany({ text: /x/ }, {});
  await items.insertMany(numbered(100));
  await using second = RunningMigration.start(pair, { migrationId });
  await second.commit();
  await expectIdentical(pair);
  assert.equal(second.progress.copy.documentsCopied, 2_000);
  assert.ok(second.progress.changes.applied >= 2_100);
});
