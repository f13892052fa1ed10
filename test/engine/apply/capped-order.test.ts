import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from 'mongodb';
import { newId, onFailpoint } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSet, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { type Entry, expectSameOrder, fillLog, orderOf } from '../capped-log.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'nothing can be deleted from a capped collection');

// id: reinserted-takes-last-place
test('a document that is deleted and inserted again while the migration follows takes the last place at once', {
  skip,
}, async () => {
  await using pair = await startPair();
  const log = await fillLog(pair, 10);
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await changeTogether(running, log, 1 + 49 * 3, async () => {
    for (let n = 11; n < 60; n += 1) {
      await insertAgain(log, n - 6);
      await log.insertOne({ _id: n });
    }
  });
  await eventually(async () => (await orderOf(pair.destination)).includes(59), { what: 'the last insert' });
  assert.deepEqual(await orderOf(pair.destination), await orderOf(pair.source), 'before the pause');
  await running.commit();
  await expectSameOrder(pair);
});

test('a document that is deleted and inserted again takes the last place, also during the copy', { skip }, async () => {
  await using pair = await startPair();
  const log = await fillLog(pair, 10);
  using _ = onceAt('engine.copy.collection-copied', () => change());
  await using running = RunningMigration.start(pair);
  const change = async () => {
    await log.insertOne({ _id: 10 });
    for (const n of [3, 10, 3]) await insertAgain(log, n);
    await log.insertOne({ _id: 11 });
    await running.until('the changes', ({ changes }) => changes.duringCopy + changes.read > 0);
    await running.until('all of them', ({ changes }) => changes.read >= 8);
  };
  await running.untilReady();
  assert.deepEqual(await orderOf(pair.destination), await orderOf(pair.source), 'before the pause');
  await running.commit();
  await expectSameOrder(pair);
});

// id: wrong-order-corrected
test('an order that is wrong in the middle, since changes came twice, is corrected at the cutover by the run that ends it', {
  skip,
}, async () => {
  await using pair = await startPair();
  const migrationId = newId();
  const log = await fillLog(pair, 10);
  {
    await using first = RunningMigration.start(pair, { migrationId });
    await first.untilReady();
    using _ = onFailpoint('engine.apply.batch-acknowledged', async () => {
      if ((await orderOf(pair.destination)).includes(12)) throw new Error('the engine ends here');
    });
    await changeTogether(first, log, 1 + 4, async () => {
      await insertAgain(log, 3);
      await log.insertMany([{ _id: 11 }, { _id: 12 }]);
    });
    await assert.rejects(first.outcome);
  }
  // The verification compares the order before the changes come again.
  using taken = holdAt('engine.apply.batch-taken');
  await using second = RunningMigration.start(pair, { migrationId });
  await second.until('the comparison', ({ verification }) => verification.collectionsDone === 1);
  await taken.reached;
  taken.release();
  await log.insertOne({ _id: 13 });
  await eventually(async () => (await orderOf(pair.destination)).includes(13), { what: 'the last insert' });
  const [left, right] = [await orderOf(pair.source), await orderOf(pair.destination)];
  assert.notDeepEqual(right, left, 'it went wrong');
  assert.deepEqual([right.length, right[0], right.at(-1)], [left.length, left[0], left.at(-1)], 'in the middle');
  await second.commit();
  await expectSameOrder(pair);
});

test('a capped collection that only discards documents is not read in the write pause', async () => {
  await using pair = await startPair();
  const log = await fillLog(pair, 5_000, { max: 5_000 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await log.insertMany(identified(5_500).slice(5_000));
  await eventually(async () => (await orderOf(pair.destination)).at(-1) === 5_499, { what: 'the last insert' });
  const before = await returned(pair.source);
  await running.commit();
  assert.ok((await returned(pair.source)) - before < 1_000);
  await expectSameOrder(pair);
});

/** Makes changes behind an insert of `_id: 10` that is being written, so that they wait together. @param count  of all of them */
async function changeTogether(
  running: RunningMigration,
  log: Collection<Entry>,
  count: number,
  change: () => Promise<void>,
): Promise<void> {
  using taken = holdAt('engine.apply.batch-taken');
  await log.insertOne({ _id: 10 });
  await taken.reached;
  await change();
  await running.until('the changes', ({ changes }) => changes.read >= count);
  taken.release();
}

let times = 0;
async function insertAgain(log: Collection<Entry>, _id: number): Promise<void> {
  await log.deleteOne({ _id });
  await log.insertOne({ _id, again: times++ });
}

/** Documents that the primary has given to anybody. */
async function returned({ client }: ReplicaSet): Promise<number> {
  const { metrics } = await client.db('admin').command({ serverStatus: 1 });
  return Number(metrics.document.returned);
}
