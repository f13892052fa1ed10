import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from 'mongodb';
import { eventually } from '../../support/eventually.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { type Entry, expectSameOrder, fillLog, orderOf } from '../capped-log.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks();

const skip = needsSource('6.0', 'nothing can be deleted from a capped collection, and there is no write block');
/** More than the engine keeps of the keys that others write to a collection. */
const MANY = 1_500;

test('what a full capped collection discards on the destination is no write of another client', { skip }, async () => {
  await using pair = await startPair();
  const log = await fillLog(pair, 100, { max: 100 });
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  await log.insertMany(identified(MANY).map(({ _id }) => ({ _id: _id + 100 })));
  await running.commit();
  const { cutoverAttempts, verification } = running.progress;
  assert.equal(verification.externalWrites, 0);
  assert.deepEqual(
    cutoverAttempts.map(({ result, reason }) => ({ result, reason })),
    [{ result: 'COMMITTED', reason: undefined }],
  );
  await expectSameOrder(pair);
});

// id: deleted-and-written-again
test('a document that another client deletes, and that the source writes again, takes its place at the cutover', {
  skip,
}, async () => {
  await deleteThere({ expectsMismatches: true });
});

test('without verification, all keys of a capped collection are compared in order at the cutover', {
  skip,
}, async () => {
  await deleteThere({ verification: 'OFF' });
});

/** Cuts over after another client has deleted a document on the destination, and the source has written it again. */
async function deleteThere(options: Parameters<typeof RunningMigration.start>[1]): Promise<void> {
  await using pair = await startPair();
  const log = await fillLog(pair, 10);
  await using running = RunningMigration.start(pair, options);
  await running.untilReady();
  await there(pair).deleteMany({ _id: 5 });
  await log.updateOne({ _id: 5 }, { $set: { again: 1 } });
  await log.insertOne({ _id: 10 });
  await eventually(async () => (await orderOf(pair.destination)).includes(10), { what: 'the last insert' });
  assert.deepEqual(await orderOf(pair.destination), [0, 1, 2, 3, 4, 6, 7, 8, 9, 5, 10], 'only the middle differs');
  await running.commit();
  await expectSameOrder(pair);
}

// id: replaced-document-found
test('a document that another client puts in the place of another is found, although the ends and the number are the same', {
  skip,
}, async () => {
  await using pair = await startPair();
  const log = await fillLog(pair, 10);
  await using running = RunningMigration.start(pair, { expectsMismatches: true });
  await running.untilReady();
  await there(pair).deleteMany({ _id: 5 });
  await there(pair).insertOne({ _id: 500 });
  await log.insertOne({ _id: 10 });
  await eventually(async () => (await orderOf(pair.destination)).includes(10), { what: 'the last insert' });
  await running.commit();
  assert.ok(running.progress.verification.externalWrites > 0);
  await expectSameOrder(pair);
});

function there({ destination }: ReplicaSetPair): Collection<Entry> {
  return destination.client.db('shop').collection<Entry>('log');
}
