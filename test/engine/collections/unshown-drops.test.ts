import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { type ReplicaSetPair, startPair } from '../../support/replica-set.ts';
import { isolatePrimary } from '../../support/roll-back.ts';
import { emptyPair } from '../../support/seeds.ts';
import { needsNoDialect, needsSource, pretendOld } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration, syncOnce } from '../running-migration.ts';

const MAJORITY = { writeConcern: { w: 'majority' } } as const;
const followed = { skip: needsSource('6.0', 'a drop of a collection stops the migration') };

interface Kept {
  readonly _id: string;
  readonly v: number;
}

const kept = () => pair.source.client.db('shop').collection<Kept>('kept');

let pair: ReplicaSetPair;
before(async () => {
  pair = await startPair({ source: { members: 3 } });
});
after(() => pair[Symbol.asyncDispose]());

async function refill({ capped = false } = {}): Promise<void> {
  await emptyPair(pair);
  const db = pair.source.client.db('shop');
  if (capped) await db.createCollection('kept', { capped: true, size: 1_000_000 });
  await db.collection('items').insertOne({ n: 1 }, MAJORITY);
  await kept().insertMany(
    Array.from({ length: 50 }, (_, n) => ({ _id: `k${n}`, v: 0 })),
    MAJORITY,
  );
}

async function dropAtPrimary(): Promise<void> {
  await pair.source.client.db('shop').command({ drop: 'kept', writeConcern: { w: 1 } });
}

async function commitsIdentical(running: RunningMigration): Promise<void> {
  await running.commit();
  assert.equal(await running.outcome, 'COMMITTED');
  assert.equal(await kept().countDocuments(), 50, 'the drop was rolled back');
  await expectIdentical(pair);
}

async function readWhileMissing(): Promise<void> {
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using dropped = holdAt('engine.apply.batch-taken');
  await kept().updateMany({}, { $set: { v: 1 } }, MAJORITY);
  await running.until('the changes to be taken', ({ changes }) => changes.read >= 50);
  const rollBack = await isolatePrimary(pair.source);
  await dropAtPrimary();
  dropped.release();
  await running.until('the lanes to be empty', ({ changes }) => changes.queued === 0);
  assert.equal(running.progress.readyForCutover, false);
  await rollBack();
  await commitsIdentical(running);
}

// id: changes-of-rolled-back-drop
test('changes of a collection whose drop is rolled back are applied, though they were read while it was gone', async () => {
  await refill();
  await readWhileMissing();
});

test('changes of a capped collection whose drop is rolled back are applied in their order', async () => {
  await refill({ capped: true });
  await readWhileMissing();
});

test('changes from the time of the copy are applied, even if their collection is missing when the copy ends', async () => {
  await refill();
  using changed = holdAt('engine.copy.collection-copied');
  using isolated = onceAt('engine.apply.batch-taken', () =>
    isolatePrimary(pair.source).then(async (rollBack) => {
      await dropAtPrimary();
      return rollBack;
    }),
  );
  await using running = RunningMigration.start(pair);
  await running.until('the copy', ({ copy }) => copy.documentsCopied >= 50);
  await kept().updateMany({}, { $set: { v: 1 } }, MAJORITY);
  await running.until('the changes to be taken', ({ changes }) => changes.duringCopy >= 50);
  changed.release();
  await eventually(() => isolated.result !== undefined, { what: 'the drop' });
  const rollBack = await isolated.result;
  await running.until('the lanes to be empty', ({ changes }) => changes.queued === 0);
  await rollBack?.();
  await commitsIdentical(running);
});

// id: copy-waits-for-drop
test('a copy that encounters a drop waits, reports it, and resumes when the drop is rolled back', async () => {
  await refill();
  using isolated = onceAt('engine.copy.before-first-read', () =>
    isolatePrimary(pair.source).then(async (rollBack) => {
      await dropAtPrimary();
      return rollBack;
    }),
  );
  await using running = RunningMigration.start(pair);
  await running.until('the missing collection to be reported', ({ waiting }) =>
    waiting.some((wait) => wait.for === 'shop.kept' && wait.reason.includes('has not shown that it was dropped')),
  );
  assert.equal(running.progress.readyForCutover, false);
  const rollBack = await isolated.result;
  await rollBack?.();
  await commitsIdentical(running);
  assert.deepEqual(running.progress.waiting, []);
});

test('a copy ends when its collection is really dropped meanwhile', followed, async () => {
  await refill();
  using _ = onceAt('engine.copy.before-first-read', () => kept().drop());
  await syncOnce(pair);
  await expectIdentical(pair);
});

// id: drop-rolled-back-late
test('a drop that is rolled back after the catalog showed it loses no earlier change', followed, async () => {
  await refill();
  await using running = RunningMigration.start(pair);
  await running.untilReady();
  using held = holdAt('engine.apply.batch-taken');
  await kept().updateMany({}, { $set: { v: 1 } }, MAJORITY);
  await running.until('the changes to be taken', ({ changes }) => changes.read >= 50);
  // The majority has this change of the catalog. The engine takes its event when the primary already has the drop.
  using dispatched = holdAt('engine.capture.batch-dispatched');
  await dispatched.reached;
  await pair.source.client.db('shop').createCollection('other', MAJORITY);
  const rollBack = await isolatePrimary(pair.source);
  await dropAtPrimary();
  dispatched.release();
  const names = async () =>
    (await pair.destination.client.db('shop').listCollections().toArray()).map(({ name }) => name);
  await eventually(async () => !(await names()).includes('kept'), { what: 'the drop on the destination' });
  held.release();
  await running.until('the lanes to be empty', ({ changes }) => changes.queued === 0);
  await rollBack();
  await commitsIdentical(running);
});

// The last one: the set stays old.
test('on a source before 6.0, missing documents of a missing collection are not taken for deletes', {
  skip: needsNoDialect('none has the level of a server before 6.0'),
}, async () => {
  await refill();
  await pretendOld(pair.source);
  await readWhileMissing();
});
