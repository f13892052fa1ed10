import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startLedgerWriter } from '../../support/ledger-writer.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { numbered } from '../../support/seeds.ts';
import { allowWrites, needsSource } from '../../support/source-version.ts';
import { onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

// id: step-downs-lose-nothing
test('step-downs of both primaries, in the copy and while following, lose nothing', async () => {
  await using pair = await startPair({ source: { members: 3 }, destination: { members: 3 } });
  await fill(pair.source);
  let steppedDown: Promise<unknown> | undefined;
  using _ = onFailpoint('engine.copy.batch-acknowledged', () => {
    steppedDown ??= Promise.all([pair.source.stepDown(), pair.destination.stepDown()]);
  });
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.a', 'shop.b'],
    seed: 5,
    ratePerSecond: 50,
  });
  await using running = RunningMigration.start(pair, { copyBytesPerSecond: 1_000_000 });
  await running.untilReady();
  assert.ok(steppedDown !== undefined, 'the primaries stepped down during the copy');
  await steppedDown;
  await Promise.all([pair.source.stepDown(), pair.destination.stepDown()]);
  const before = writer.snapshot().documentsWritten;
  await eventually(() => writer.snapshot().documentsWritten > before + 100, {
    what: 'writes after the step-down',
  });
  await writer.stop();
  await running.commit();
  await expectIdentical(pair);
});

/** Errors of a server, and the commands of the engine that encounter them. */
const PASSING_FAILURES = [
  [
    'destination',
    'an unmet write concern beside duplicate keys',
    { failCommands: ['insert'], writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  ],
  [
    'destination',
    'a connection cut in the middle of a write',
    { failCommands: ['insert', 'update'], closeConnection: true },
  ],
  [
    'destination',
    'a primary that stepped down',
    { failCommands: ['insert', 'update', 'delete', 'createIndexes'], errorCode: 10_107 },
  ],
  ['source', 'a cursor that is gone', { failCommands: ['getMore'], errorCode: 43 }],
  [
    'source',
    'a connection cut in the middle of a read',
    { failCommands: ['find', 'getMore', 'aggregate'], closeConnection: true },
  ],
] as const;

// id: transient-costs-a-retry
test('transient failures cost a retry, and nothing else', async (t) => {
  await using pair = await startPair();
  for (const [side, what, data] of PASSING_FAILURES) {
    await t.test(`${what}, on the ${side}`, async () => {
      for (const set of [pair.source, pair.destination]) await set.client.db('shop').dropDatabase();
      await fill(pair.source);
      await using writer = await startLedgerWriter({
        clients: [pair.source.client],
        namespaces: ['shop.a'],
        seed: 6,
        ratePerSecond: 50,
      });
      const fail = () => pair[side].failCommand({ mode: { times: 3 }, data: { ...data, appName: `linkspan-${side}` } });
      using failed = onceAt('engine.copy.before-first-read', fail);
      await using running = RunningMigration.start(pair);
      await running.untilReady();
      assert.ok(failed.result !== undefined);
      await fail();
      const before = running.progress.changes.applied;
      await running.until('changes after the failures', ({ changes }) => changes.applied > before + 50);
      await pair[side].clearFailPoints();
      await writer.stop();
      await running.commit();
      // The block of one round would refuse the next round's writes.
      await allowWrites(pair.source.client);
      await expectIdentical(pair);
    });
  }
});

// id: lost-history-repaired
test('a lost history is declared and repaired, in the copy and while following, and never ignored', async () => {
  await using pair = await startPair();
  await fill(pair.source);
  await using writer = await startLedgerWriter({
    clients: [pair.source.client],
    namespaces: ['shop.a', 'shop.b'],
    seed: 7,
    ratePerSecond: 50,
  });
  const declared = () => running.progress.repairs?.declared ?? 0;
  // By condition, not for a number of commands: other reads of the engine are aggregations of `admin`, too.
  const lose = async (errorCode: number, times = 1) => {
    const stream = { failCommands: ['getMore', 'aggregate'], namespace: 'admin.$cmd.aggregate' };
    const before = declared();
    await pair.source.failCommand({ mode: 'alwaysOn', data: { ...stream, errorCode, appName: 'linkspan-source' } });
    await running.until('the loss to be declared', () => declared() >= before + times);
    await pair.source.clearFailPoints();
  };
  using lost = onceAt('engine.copy.batch-acknowledged', () => lose(286));
  let tooEarly = false;
  using __ = onFailpoint('engine.capture.position-fixed-anew', () => {
    tooEarly ||= running.progress.readyForCutover;
  });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  assert.ok(lost.result !== undefined);
  // The last history is lost again while the engine fixes a new position.
  for (const [errorCode, times] of [[280], [136, 3]] as const) {
    const { keysDiffered = 0 } = running.progress.repairs ?? {};
    await lose(errorCode, times);
    await running.untilReady();
    const { repairs } = running.progress;
    assert.equal(repairs?.collectionsDone, 3);
    assert.ok(repairs.keysDiffered > keysDiffered, 'changes of the writer were missed for a while');
  }
  assert.equal(tooEarly, false);
  await writer.stop();
  await running.commit();
  await expectIdentical(pair);
});

async function fill(set: ReplicaSet): Promise<void> {
  for (const name of ['a', 'b', 'c']) {
    const documents = numbered(1_000, { name, text: 'x'.repeat(1_000) });
    await set.client.db('shop').collection(name).insertMany(documents);
    await set.client.db('shop').collection(name).createIndex({ n: 1 });
  }
}

const BLOCKED = 'engine.cutover.source-blocked';
// The last one fails in a task beside the cutover.
for (const point of [BLOCKED, 'engine.cutover.drained', 'engine.capture.oplog-read']) {
  test(`a run that ends in the middle of a cutover, at ${point}, opens the source again`, {
    skip: needsSource('6.0', 'it has no write block'),
  }, async () => {
    await using pair = await startPair();
    await fill(pair.source);
    let isBlocked = false;
    const fail = () => {
      if (isBlocked) throw new Error('something unforeseen');
    };
    using _ = onFailpoint(BLOCKED, () => {
      isBlocked = true;
      if (point === BLOCKED) fail();
    });
    using __ = point === BLOCKED ? undefined : onFailpoint(point, fail);
    await using running = RunningMigration.start(pair);
    await assert.rejects(running.commit(), { code: 'INTERNAL_ERROR' });
    await pair.source.client.db('shop').collection('a').insertOne({ open: true });
  });
}
