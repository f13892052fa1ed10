import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import { onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import type { MongodProcess } from '../../support/mongod-process.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

const unseen = needsSource('6.0', 'its catalog has to stand still');

const HOUR_MS = 3_600_000;
/** The copy does not end by itself, however slow the machine is. */
const UNENDING_BYTES_PER_SECOND = 10_000;

// id: servers-killed-and-restarted
test('servers that are killed and started again, in the copy and while following, cost time only; so does a clock that is set', async () => {
  await using pair = await startPair();
  await fill(pair.source, 1_000);
  const items = pair.source.client.db('shop').collection('items');
  let setBy = 0;
  const clock = { ...systemClock, now: () => Date.now() + setBy };
  await using running = RunningMigration.start(pair, { clock });
  running.steering.limit({ copyBytesPerSecond: UNENDING_BYTES_PER_SECOND });
  await running.until('the copy to begin', ({ copy }) => copy.partitionsTotal > 0);
  for (const phase of ['COPYING', 'FOLLOWING']) {
    for (const side of ['source', 'destination'] as const) {
      assert.equal(running.progress.state, phase);
      const [member] = pair[side].members;
      await member?.kill();
      await running.until(`a wait for the ${side}`, ({ waiting }) => waiting.some((wait) => wait.for.endsWith(side)));
      assert.equal(running.progress.readyForCutover, false);
      setBy = side === 'source' ? HOUR_MS : -HOUR_MS;
      await member?.restart();
      await pair[side].primary();
      await eventually(() => items.updateMany({ n: { $lt: 100 } }, { $inc: { changed: 1 } }), { what: 'a change' });
      await running.until('the wait to end', ({ waiting }) => waiting.length === 0);
      const { lagSeconds } = running.progress;
      assert.ok(lagSeconds === null || (lagSeconds >= 0 && lagSeconds < 60), `a lag of ${lagSeconds} s`);
    }
    running.steering.limit({ copyBytesPerSecond: null });
    await running.untilReady();
  }
  await running.commit();
  await expectIdentical(pair);
});

test('a rename of members, in the copy and while following, costs time only', async () => {
  await using pair = await startPair();
  await fill(pair.source, 1_250);
  const names = ['localhost', '127.0.0.1'];
  const renameMembers = async () => {
    const host = names.shift();
    for (const { client, members } of [pair.source, pair.destination]) {
      const { config } = await client.db('admin').command({ replSetGetConfig: 1 });
      config.version += 1;
      config.members[0].host = `${host}:${members[0]?.port}`;
      await client.db('admin').command({ replSetReconfig: config });
    }
  };
  let renamed: Promise<void> | undefined;
  using _ = onFailpoint('engine.copy.batch-acknowledged', () => {
    renamed ??= renameMembers();
  });
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.written'],
    seed: 6,
    ratePerSecond: 100,
  });
  await using running = RunningMigration.start(pair, { copyBytesPerSecond: 2_000_000 });
  await running.untilReady();
  assert.ok(renamed !== undefined);
  await renamed;
  await renameMembers();
  const before = writer.snapshot().documentsWritten;
  await eventually(() => writer.snapshot().documentsWritten > before + 100, { what: 'writes after the renaming' });
  await writer.stop();
  await running.commit();
  await expectIdentical(pair);
});

// id: rolled-back-write-not-copied
test('a write of the source that is rolled back is never copied', async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await fill(pair.source, 100);
  const primary = await pair.source.primary();
  const others = pair.source.members.filter((member) => member !== primary);
  const db = pair.source.client.db('shop');
  using isolated = onceAt('engine.copy.before-first-read', async () => {
    await Promise.all(others.map((member) => stopReplication(member)));
    await db.collection('items', { writeConcern: { w: 1, journal: true } }).insertOne({ rolledBack: true });
    assert.ok(await db.collection('items', { readConcern: { level: 'local' } }).findOne({ rolledBack: true }));
  });
  await using running = RunningMigration.start(pair);
  await running.until('the copy of what the majority has', ({ copy }) => copy.documentsCopied >= 100);
  assert.ok(isolated.result !== undefined);
  await primary.kill();
  await Promise.all(others.map((member) => onMember(member, { configureFailPoint: 'stopReplProducer', mode: 'off' })));
  await eventually(() => db.collection('items').insertOne({ kept: true }, { writeConcern: { w: 'majority' } }), {
    what: 'a write on the new primary',
  });
  await primary.restart();
  await running.untilReady();
  assert.equal(await db.collection('items').findOne({ rolledBack: true }), null, 'it was rolled back');
  await running.commit();
  await expectIdentical(pair);
  const copied = pair.destination.client.db('shop').collection('items');
  assert.deepEqual([await copied.countDocuments({ rolledBack: true }), await copied.countDocuments()], [0, 101]);
});

// id: rolled-back-catalog-reverted
test('changes of the catalog that are rolled back are reverted', { skip: unseen }, async () => {
  await using pair = await startPair({ source: { members: 3 } });
  await fill(pair.source, 100);
  const db = pair.source.client.db('shop');
  await db.collection('kept').insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
  await using first = RunningMigration.start(pair);
  await first.untilReady();
  await first.stop();
  const primary = await pair.source.primary();
  const others = pair.source.members.filter((member) => member !== primary);
  await Promise.all(others.map((member) => stopReplication(member)));
  await db.command({ drop: 'kept', writeConcern: { w: 1 } });
  await using second = RunningMigration.start(pair, { migrationId: first.progress.migrationId });
  const copied = pair.destination.client.db('shop');
  const names = async () => (await copied.listCollections().toArray()).map(({ name }) => name);
  await eventually(async () => !(await names()).includes('kept'), { what: 'the drop' });
  await primary.kill();
  await Promise.all(others.map((member) => onMember(member, { configureFailPoint: 'stopReplProducer', mode: 'off' })));
  await eventually(() => db.collection('items').insertOne({ n: 100 }, { writeConcern: { w: 'majority' } }), {
    what: 'a write on the new primary',
  });
  await primary.restart();
  assert.equal(await db.collection('kept').countDocuments(), 1, 'the drop was rolled back');
  await second.commit();
  await expectIdentical(pair);
});

async function fill(set: ReplicaSet, count: number): Promise<void> {
  const documents = numbered(count, { text: 'x'.repeat(8_000) });
  await set.client
    .db('shop')
    .collection('items')
    .insertMany(documents, { writeConcern: { w: 'majority' } });
}

/** Stops the replication of a secondary. */
async function stopReplication(member: MongodProcess): Promise<void> {
  const { count } = await onMember(member, { configureFailPoint: 'stopReplProducer', mode: 'alwaysOn' });
  await onMember(member, { waitForFailPoint: 'stopReplProducer', timesEntered: count + 1, maxTimeMS: 20_000 });
}

async function onMember({ port }: MongodProcess, command: Document): Promise<Document> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  return await client.db('admin').command(command);
}
