import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Db, Double, Int32, Long } from 'mongodb';
import { type Clock, onFailpoint, systemClock } from '../../../src/platform/index.ts';
import { eventually } from '../../support/eventually.ts';
import { expectIdentical } from '../../support/expect-identical.ts';
import { checkForLeaks } from '../../support/leak-check.ts';
import { startPair } from '../../support/replica-set.ts';
import { emptyPair, identified } from '../../support/seeds.ts';
import { needsSource } from '../../support/source-version.ts';
import { holdAt, onceAt } from '../reach-points.ts';
import { RunningMigration } from '../running-migration.ts';

checkForLeaks({ sockets: false });

/** These tests change the destination behind the migration's back. */
const planted = { expectsMismatches: true };

test('the verification of a migration', async (t) => {
  await using pair = await startPair();
  const source = pair.source.client.db('shop');
  const destination = pair.destination.client.db('shop');
  const refill = async (count = 500) => {
    await emptyPair(pair);
    await source.collection<{ _id: number }>('items').insertMany(identified(count, { a: 1, b: 2 }));
  };
  /** Runs the change before the collection is compared: its oplog entries are older than the first look. */
  const plantBefore = (change: () => Promise<unknown>) =>
    onceAt('engine.copy.indexed', async () => void (await change()));

  // id: finds-earlier-faults
  await t.test('finds what was wrong before it began, says how it differs, and repairs it', async () => {
    await refill();
    using _ = plantBefore(async () => {
      const items = destination.collection<{ _id: number }>('items');
      await items.updateOne({ _id: 1 }, { $set: { a: 7 } });
      await items.replaceOne({ _id: 2 }, { b: 2, a: 1 });
      await items.replaceOne({ _id: 3 }, { a: Long.fromNumber(1), b: 2 });
      await items.deleteOne({ _id: 4 });
      await items.insertOne({ _id: 1_000 });
      await items.deleteOne({ _id: 5 });
      await items.insertOne({ _id: new Double(5) as unknown as number, a: new Int32(1), b: 2 } as never);
    });
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    const { verification } = running.progress;
    const found = verification.mismatches.latest.map(({ key, class: kind, path }) => [key, kind, path]);
    assert.deepEqual(found.toSorted(), [
      ['{"$numberInt":"1"}', 'DIFFERENT', 'a'],
      ['{"$numberInt":"1000"}', 'EXTRA', null],
      ['{"$numberInt":"2"}', 'FIELD_ORDER', 'a'],
      ['{"$numberInt":"3"}', 'DIFFERENT', 'a'],
      ['{"$numberInt":"4"}', 'MISSING', null],
      ['{"$numberInt":"5"}', 'DIFFERENT', '_id'],
    ]);
    assert.equal(verification.mismatches.open, 0);
    assert.equal(verification.documentsCompared, 500);
    assert.equal(verification.phase, 'FOLLOWING');
    await running.commit();
    await expectIdentical(pair);
  });

  // id: finds-external-writes
  await t.test('finds what others write on the destination while it follows, and repairs it', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'external' } });
    await running.until('the external write to be repaired', ({ verification }) => {
      const { found, open } = verification.mismatches;
      return found === 1 && open === 0;
    });
    const [mismatch] = running.progress.verification.mismatches.latest;
    assert.equal(mismatch?.external, true);
    assert.match(running.progress.warnings.join('\n'), /Another client wrote 1 document to the destination/);
    await running.commit();
    await expectIdentical(pair);
  });

  // id: destination-oplog-overwritten
  await t.test(
    'compares everything again when the oplog of the destination is overwritten faster than it is read',
    async () => {
      await refill();
      await using running = RunningMigration.start(pair, planted);
      await running.untilReady();
      const reads = { failCommands: ['find'], namespace: 'local.oplog.rs', appName: 'linkspan-destination' };
      await pair.destination.failCommand({ mode: 'alwaysOn', data: { ...reads, errorCode: 136 } });
      await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'external' } });
      await running.until('the comparison to begin again', ({ readyForCutover }) => !readyForCutover);
      await pair.destination.clearFailPoints();
      await running.until('the external write to be repaired', ({ verification: { mismatches } }) => {
        return mismatches.found === 1 && mismatches.open === 0;
      });
      await running.commit();
      await expectIdentical(pair);
    },
  );

  // id: refuses-written-in-pause
  await t.test('does not let a cutover pass a document that another client writes in the write pause', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    using written = onceAt('engine.cutover.drained', async () => {
      await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'external' } });
    });
    await running.commit();
    assert.ok(written.result !== undefined);
    assert.equal(running.progress.verification.mismatches.found, 1);
    await expectIdentical(pair);
  });

  await t.test('takes no change that is under way for a difference', async () => {
    await refill();
    await using running = RunningMigration.start(pair);
    await running.untilReady();
    using applying = holdAt('engine.apply.batch-taken');
    await source.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'new' } });
    await applying.reached;
    await destination.collection<{ _id: number }>('items').updateOne({ _id: 9 }, { $set: { a: 'external' } });
    let compared = 0;
    using _ = onFailpoint('engine.verify.keys-compared', () => {
      compared += 1;
    });
    await running.until('the external write to be seen', ({ verification }) => verification.externalWrites === 1);
    await eventually(() => compared > 0, { what: 'a comparison of the document' });
    let looks = 0;
    using __ = onFailpoint('engine.verify.destination-oplog-read', () => {
      looks += 1;
    });
    // Longer than three comparisons with their pauses.
    await eventually(() => looks >= 2, { what: 'two more looks at the destination' });
    applying.release();
    await running.commit();
    assert.equal(running.progress.verification.mismatches.found, 0);
    await expectIdentical(pair);
  });

  await t.test('finds a document of a capped collection that differs, and another order of them', async () => {
    await emptyPair(pair);
    await source.createCollection('log', { capped: true, size: 100_000 });
    await source.collection<{ _id: number }>('log').insertMany(identified(200, { a: 1 }));
    using _ = plantBefore(async () => {
      const log = destination.collection<{ _id: number }>('log');
      await log.updateOne({ _id: 3 }, { $set: { a: 2 } });
      const [first, second, ...others] = await log.find({ _id: { $gte: 5 } }).toArray();
      assert.ok(first && second);
      await log.deleteMany({ _id: { $gte: 5 } });
      // Both ends stay as they are, and a cutover by itself would only compare those.
      await log.insertMany([second, first, ...others]);
    });
    await using running = RunningMigration.start(pair, planted);
    await running.commit();
    const [mismatch] = running.progress.verification.mismatches.latest;
    assert.deepEqual([mismatch?.key, mismatch?.path], ['{"$numberInt":"3"}', 'a']);
    const documents = (side: Db) => side.collection('log').find().toArray();
    assert.deepEqual(await documents(destination), await documents(source));
  });

  await t.test('that only reports refuses the cutover while a document differs', async () => {
    await refill();
    using _ = plantBefore(() => destination.collection<{ _id: number }>('items').deleteOne({ _id: 4 }));
    await using running = RunningMigration.start(pair, { ...planted, verification: 'REPORT' });
    const isDone = ({ verification }: typeof running.progress) => verification.mismatches.open === 1;
    await running.until('the mismatch', isDone);
    // The destination's oplog shows the planted delete, too, and the document is compared once more.
    const isRefused = ({ verification: { phase }, notReadyReasons }: typeof running.progress) =>
      phase === 'FOLLOWING' && notReadyReasons.join() === 'source and destination differ in 1 document';
    await running.until('the comparison to end, and its reason', isRefused);
    await destination.collection<{ _id: number }>('items').insertOne({ _id: 4, a: 1, b: 2 } as never);
    await running.commit();
    await expectIdentical(pair);
  });

  await t.test(
    'that only reports keeps reporting a document that stays different, in this run and the next',
    async () => {
      await refill();
      using _ = plantBefore(() => destination.collection<{ _id: number }>('items').deleteOne({ _id: 4 }));
      let found = 0;
      using _found = onFailpoint('engine.verify.mismatch-recorded', () => {
        found += 1;
      });
      // It compares open mismatches again every 10 s.
      const clock: Clock = { ...systemClock, elapsed: () => systemClock.elapsed() * 20 };
      await using running = RunningMigration.start(pair, { ...planted, clock, verification: 'REPORT' });
      await running.until('the fifth comparison', () => found >= 5);
      assert.deepEqual(
        running.progress.verification.mismatches.latest.map(({ times }) => times),
        [1],
      );
      await running.stop();
      const { migrationId } = running.progress;
      await using repairing = RunningMigration.start(pair, { ...planted, migrationId, verification: 'REPAIR' });
      await repairing.commit();
      await expectIdentical(pair);
    },
  );

  const skip = needsSource('6.0', 'it has no write block');
  await t.test(
    'that only reports takes back a cutover in whose write pause a document comes to differ',
    { skip },
    async () => {
      await refill();
      await using running = RunningMigration.start(pair, { ...planted, verification: 'REPORT' });
      await running.untilReady();
      using written = onceAt('engine.cutover.drained', async () => {
        await destination.collection<{ _id: number }>('items').deleteOne({ _id: 9 });
      });
      running.steering.cutOver();
      await running.until('the attempt to end', ({ cutoverAttempts }) => cutoverAttempts[0]?.result !== undefined);
      assert.ok(written.result !== undefined);
      const [attempt] = running.progress.cutoverAttempts;
      assert.deepEqual(
        [attempt?.result, /shop\.items/.test(attempt?.reason ?? '')],
        ['POSTPONED', true],
        attempt?.reason,
      );
      await destination.collection<{ _id: number }>('items').insertOne({ _id: 9, a: 1, b: 2 } as never);
      assert.equal(await running.outcome, 'COMMITTED');
      await expectIdentical(pair);
    },
  );

  await t.test('that only reports fails a single copy in whose last look a document comes to differ', async () => {
    await refill();
    await using running = RunningMigration.start(pair, { ...planted, verification: 'REPORT', once: true });
    using written = onceAt('engine.cutover.drained', async () => {
      await destination.collection<{ _id: number }>('items').deleteOne({ _id: 9 });
    });
    await assert.rejects(running.outcome, { code: 'VERIFICATION_FAILED' });
    assert.ok(written.result !== undefined);
  });

  // id: finds-lacking-index
  await t.test('finds an index that the destination lacks, and refuses the cutover until it is there', async () => {
    await refill();
    await source.collection('items').createIndex({ a: 1 });
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    await destination.collection('items').dropIndex('a_1');
    running.steering.cutOver();
    const isRefused = ({ notReadyReasons }: typeof running.progress) =>
      /index missing a_1/.test(notReadyReasons.join());
    await running.until('the missing index to be found', isRefused);
    let comparisons = 0;
    using _ = onFailpoint('engine.verify.catalogs-compared', () => {
      comparisons += 1;
    });
    await running.until('the cutover to wait for the index', () => comparisons >= 3);
    assert.equal(running.progress.state, 'FOLLOWING');
    await destination.collection('items').createIndex({ a: 1 });
    assert.equal(await running.outcome, 'COMMITTED');
    await expectIdentical(pair);
  });

  await t.test('stops the migration with the evidence when a document keeps coming back', async () => {
    await refill();
    await using running = RunningMigration.start(pair, planted);
    await running.untilReady();
    const items = destination.collection<{ _id: number }>('items');
    const ended = running.outcome.then(
      () => undefined,
      (error: unknown) => error as Error & { readonly code: string },
    );
    for (let n = 1; n <= 4; n += 1) {
      await items.updateOne({ _id: 9 }, { $set: { a: `external ${n}` } });
      if (n === 4) break;
      const isRepaired = ({ verification }: typeof running.progress) => {
        const [latest] = verification.mismatches.latest;
        return latest?.times === n && !latest.open;
      };
      await running.until(`repair ${n}`, isRepaired);
    }
    const error = await ended;
    assert.equal(error?.code, 'VERIFICATION_FAILED');
    assert.match(
      error?.message ?? '',
      /shop\.items _id {"\$numberInt":"9"}: different at `a`, written by another client/,
    );
  });
});
