import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Double, Int32, Timestamp } from 'mongodb';
import { Fence } from '../../../src/engine/mongodb/fence.ts';
import { Retrier } from '../../../src/engine/mongodb/retry.ts';
import { CheckpointStore } from '../../../src/engine/records/checkpoint-store.ts';
import { thisEngine } from '../../../src/engine/records/running-engine.ts';
import { newId, silentLogger, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { identified } from '../../support/seeds.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { SharedPair } from './shared-pair.ts';
import { verify } from './verify-pair.ts';

checkForLeaks({ sockets: false });

interface Item {
  _id: number;
  n: number;
}

const DURING_MIGRATION = { code: 'REPAIR_DURING_MIGRATION' };
const retrier = new Retrier(systemClock, silentLogger, new AbortController().signal);

const pair = new SharedPair<Item>('items');
const { here, there } = pair;
let migrationId: string;
beforeEach(async () => {
  await here().insertMany(identified(400, { n: 0 }));
  await there().insertMany(identified(400, { n: 1 }));
  migrationId = newId();
  const failed = await takeMigration();
  await takeDestination(failed);
  await failed.save({ state: 'FAILED' });
  await failed.leave();
});

const repaired = () => there().countDocuments({ n: 0 });

/** Takes the migration, as an engine does before it takes the destination and changes anything there. */
async function takeMigration(): Promise<CheckpointStore> {
  const store = new CheckpointStore(new Fence(pair.destination.client, migrationId, systemClock));
  const identity = { sourceId: 'a', destinationId: 'b', selection: '', engine: thisEngine(systemClock.now()) };
  await store.take(identity, retrier, true);
  return store;
}

const takeDestination = (store: CheckpointStore) => store.takeDestination({ keeps: false, mayDrop: false }, retrier);

// id: nothing-after-resume
test('a repair writes nothing after an engine has resumed a failed migration, not even in the first second', async () => {
  using taken = onceAt('engine.compare.repaired', async () => {
    await takeDestination(await takeMigration());
    return await repaired();
  });
  await assert.rejects(verify(pair, { repair: true }), DURING_MIGRATION);
  assert.ok(((await taken.result) ?? 0) > 0, 'the repair had begun');
  assert.equal(await repaired(), await taken.result);
});

// id: takes-before-or-after
test('an engine takes its destination before a repair, or after it', async () => {
  await there().updateMany({ _id: { $ne: 1 } }, { $set: { n: 0 } });
  using held = holdAt('engine.destination.beside', { times: 1 });
  const verified = verify(pair, { repair: true }).catch((error) => assert.equal(error.code, DURING_MIGRATION.code));
  await held.reached;
  const engine = await takeMigration();
  const before = await abortedTransactions();
  let atTake: number | undefined;
  const taken = takeDestination(engine).then(async () => {
    atTake = await repaired();
  });
  const isDecided = async () => atTake !== undefined || (await abortedTransactions()) > before;
  await eventually(isDecided, { what: 'the engine to have the destination, or to wait for it' });
  held.release();
  await Promise.all([taken, verified]);
  assert.equal(await repaired(), atTake);
});

/** A transaction that meets the uncommitted write of another one ends, and the driver repeats it. */
async function abortedTransactions(): Promise<number> {
  const { transactions } = await pair.destination.client.db('admin').command({ serverStatus: 1 });
  return Number(transactions.totalAborted);
}

test('documents of system.js, which no transaction writes, are repaired', async () => {
  await there().deleteMany({});
  await here().deleteMany({});
  await pair.source.client.db('shop').collection<{ _id: string }>('system.js').insertOne({ _id: 'f' });
  await pair.destination.client.db('shop').collection<{ _id: string }>('system.js').insertOne({ _id: 'g' });
  const { report } = await verify(pair, { repair: true });
  assert.deepEqual([report.result, report.differences.repaired], ['EQUAL', 2], report.explanation);
});

test('an _id of another number type, and a document that only a pipeline writes exactly, are repaired', async () => {
  for (const side of [pair.source, pair.destination]) await side.client.db('shop').dropCollection('items');
  const zero = Timestamp.fromNumber(0);
  for (const [side, _id, n] of [
    [pair.source, new Int32(1), 0],
    [pair.destination, new Double(1), 1],
  ] as const) {
    const exact = side.client.db('shop').collection<{ _id: Int32 | Double | number; n: number }>('exact');
    await exact.insertMany(
      [
        { _id, n },
        { _id: 2, n },
      ],
      { promoteValues: false },
    );
    await exact.updateOne({ _id: 2 }, [{ $set: { at: { $literal: zero }, n } }]);
  }
  const { report } = await verify(pair, { repair: true });
  assert.equal(report.result, 'EQUAL', report.explanation);
  assert.ok(report.differences.repaired >= 2);
  await expectIdentical(pair);
});
